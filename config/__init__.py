"""Reads what was chosen: the environment, the policy files and the words people read.

Belongs here: `settings.py` (environment to `Settings`), `policy.py` (TOML to the domain's policy), `messages.py`,
`forms.py` and the files they read. Everything wrong is reported at once, with its place and a suggestion.
Never here: a client, a connection, or a decision.
"""
