"""Works: the durable engine, the clock, and the units of work they run.

Belongs here: `schedule.py` (the one table of jobs), `durable.py` (the engine; nothing else imports it), one short file
per behaviour, each a function that does one unit.
Never here: words, rules (they are in `domain/`), or an HTTP route.
Read first: `attempt.py`, then `handle.py` (what came in) and `perform.py` (what goes out).
"""
