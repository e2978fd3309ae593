"""Has a module's code run when it is first used, where a package we need imports one that we mostly do not.

PyGithub imports PyJWT, and that a whole library of cryptography: 7 MB of a worker, which only a GitHub App signs with.
The standard library's LazyLoader is made for this. Two threads must not meet in a module that is just being loaded, so
whoever needs one imports something from it before threads use it.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import LazyLoader, find_spec
from types import ModuleType


class WhenUsed(MetaPathFinder):
    """Finds one module, and lets it wait."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._is_found = False

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        """Give the module's own spec with a loader that waits, None for all others and the second time."""
        if fullname != self._name or self._is_found:
            return None
        self._is_found = True  # what follows asks all finders, this one too
        spec = find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec


def load_when_used(name: str) -> None:
    """Let a module wait for its use, unless it is there already."""
    if name not in sys.modules:
        sys.meta_path.insert(0, WhenUsed(name))
