"""Talks to GitHub and Loomio, and decides nothing.

Belongs here: one class per vendor, or per thing we want of it, with only the calls we use, each naming the vendor's
page, and the three errors that tell the ledger what to do next. The constructor does no I/O.
Never here: a rule, a row, a word a person reads, a retry of a write.
"""
