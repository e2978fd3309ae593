"""One error for everything wrong with what was configured, told all at once."""

from collections.abc import Sequence


class ConfigError(Exception):
    """Raised when settings or policy cannot be used. `problems` holds one plain sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)
