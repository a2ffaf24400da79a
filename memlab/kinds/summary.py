"""Numbers that were found, in lines for people."""

from __future__ import annotations

from memlab.runs.record import CONFIDENCE, Finding, Findings, State
from memlab.units import plain

__all__ = ["found_lines", "in_words"]


def found_lines(findings: Findings) -> list[str]:
    """Return a line for each number: name, value, error, unit, and of how many of what."""
    return [
        f"  {name:<28} {in_words(one)}" for name, one in findings.values.items() if one.is_number
    ]


def in_words(one: Finding) -> str:
    """Return a number with its error, and of what and how many it is; or why there is none."""
    of = f" ({one.n} {one.of})" if one.of and one.n is not None else ""
    if one.state is State.UNDETERMINED:
        return f"{one.state}{of}: {one.why or 'the readings do not tell it'}"
    text = f"{one.value:.4g}" + ("" if one.error is None else plain(f" ± {one.error:.2g}"))
    if one.interval is not None:
        low, high = one.interval
        text += f", {low:.4g} to {high:.4g} at {CONFIDENCE:.0%}"
    text += "" if one.units == "1" else f" {one.units}"
    return text + of + (f"; {one.caveat}" if one.caveat else "")
