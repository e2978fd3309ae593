"""Decides what Trellis does, and nothing else.

Belongs here: frozen dataclasses, closed unions, and pure functions over them. `now` is always an argument.
Never here: a clock, the network, a database, a file, a word a person reads, or any import beyond the standard library.
Read first: `effects.py` (what can go out), `objectives.py` and `tickets.py` (the two things people live with),
`planner.py` (who hears what, when, and when Trellis stays silent).
"""
