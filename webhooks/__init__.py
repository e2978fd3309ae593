"""Listens: verify the raw bytes, store, answer. Nothing else happens inside a request.

Belongs here: one file per door, and what doors share: signatures, strict reading, storing. A 2xx means it is stored.
Never here: an outside call, a decision, or work that could be done after the answer.
"""
