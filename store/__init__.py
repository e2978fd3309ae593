"""Remembers: typed models, named queries and migrations, on SQLite or PostgreSQL alike.

Belongs here: `models.py` (tables, with the constraints that hold the rules), `database.py` (engine and transactions),
`memory.py` (rows to domain objects and back), `queries.py` (what is asked, by name), `migrations/`.
Never here: a decision, an outside call, or the time of day (`now` comes in as an argument).
"""
