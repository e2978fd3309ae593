"""The one table of a run: what was thrown at it, what came of it, and everything that is not as it should be."""

from collections import Counter

from tests.chaos.truth import Finding

KINDS = ("lost", "doubled", "wrong state", "wrong order")
MOST_TOLD = 40


def table(rows: list[tuple[str, object]], findings: list[Finding]) -> str:
    """Write it in plain text."""
    counted = Counter(one.kind for one in findings)
    rows = [*rows, *((kind, counted[kind]) for kind in KINDS)]
    wide = max(len(name) for name, _ in rows)
    lines = [f"{name:<{wide}}  {value}" for name, value in rows]
    lines += [f"  {one.kind}: {one.what}" for one in findings[:MOST_TOLD]]
    if len(findings) > MOST_TOLD:
        lines.append(f"  … and {len(findings) - MOST_TOLD} more")
    return "\n".join(lines)


def counts(found: Counter[str]) -> str:
    """Write a counter on one line."""
    return ", ".join(f"{name} {times}" for name, times in sorted(found.items())) or "none"
