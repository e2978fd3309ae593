"""The fault bench: everything goes wrong at once, for minutes, and in the end nothing may be lost, doubled or wrong.

`python -m tests.chaos --minutes 10 --database sqlite --seed 1`; what its table means is in docs/operating.md.
"""
