"""Talks to GitHub and Loomio, and decides nothing.

Belongs here: one class per vendor, or per thing we want of it, with only the calls we use, each naming the vendor's
page, and the three errors that tell the ledger what to do next. The constructor does no I/O.
Never here: a rule, a row, a word a person reads, a retry of a write.
"""

from integrations.when_used import load_when_used

load_when_used("jwt")  # here, so that it is said before anything of ours imports PyGithub
