"""What the commands about passports share: finding one, and its words for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from memlab.array.passport_place import find_passport
from memlab.errors import SettingError
from memlab.passport.location import default_path, kept_passports
from memlab.units import plain

__all__ = ["BUDGET_UNITS", "budget_text", "passport_lines", "require_passport", "unknown_chip"]

_MOST_NAMED = 8
"""Passports that an error names."""


BUDGET_UNITS = {"budgets": "per cell: pulses, formings; energy in J"}
"""Of the budgets of a document."""
_NOUNS = {
    "set": "SETs",
    "reset": "RESETs",
    "pulses": "pulses",
    "energy": "J",
    "forming": "formings",
}


def require_passport(name: str) -> Path:
    """Return the passport that a path or a board's serial number names."""
    path = find_passport(name)
    if path is None:
        raise unknown_chip(
            f"{name} is neither a chip passport nor the serial number of a board that has one",
            name,
        )
    return path


def unknown_chip(problem: str, name: str, presets: Sequence[str] = ()) -> SettingError:
    """Return an error that says which names there are, and which of them may be meant."""
    kept = kept_passports()
    near = get_close_matches(name, [*kept, *presets], n=1)
    hint = f". Did you mean {near[0]}?" if near else "."
    shown = ", ".join(kept[:_MOST_NAMED]) or "none"
    if len(kept) > _MOST_NAMED:
        shown += f" and {len(kept) - _MOST_NAMED} more"
    if presets:
        hint += f" Presets: {', '.join(presets)}, or a path to a .toml file."
    return SettingError(
        f"{problem}{hint} Passports in {default_path('x').parent}: {shown}. A board on a wire gets "
        "its passport when it is first opened, an emulated one with passport=FILE in its URL"
    )


def passport_lines(document: dict[str, Any]) -> list[str]:
    """Return the summary of a passport for people."""
    runs, cells = document["runs"], document["rows"] * document["columns"]
    lines = [
        ("chip", f"{document['chip']}, {document['rows']} x {document['columns']} cells"),
        ("passport", f"{document['passport']}, made {document['created']}"),
        ("boards", ", ".join(document["boards"]) or "none yet"),
        ("calibration", document["calibration"] or "none"),
        ("runs", _runs(runs)),
        ("formed cells", f"{document['formed']} of {cells}"),
        ("yield", _share(document["yield"], cells)),
        (
            "good lines",
            f"{document['good_rows']} of {document['rows']} rows, "
            f"{document['good_columns']} of {document['columns']} columns",
        ),
        *((f"  {name}", str(n)) for name, n in document["masks"].items()),
        ("pulsed cells", f"{document['pulsed_cells']} of {cells}"),
        ("  SETs", _spread(document["set"])),
        ("  RESETs", _spread(document["reset"])),
        ("  energy", _spread(document["energy"], 1e-9, " nJ", digits=3) + " (estimated)"),
        ("unknown pulses", f"{document['unknown']} (they count as fired)"),
        *(("others pulsed", f"{o['pulses']}, found {o['found']}") for o in document["others"]),
        ("budgets per cell", budget_text(document["budgets"])),
    ]
    if document["last_map"] is not None:
        last = document["last_map"]
        loads = last["loads"] if isinstance(last["loads"], str) else " or ".join(last["loads"])
        lines.append(("last map", f"{last['time']}, run {last['run']}"))
        lines.append(("  its load", loads))
    if "figure" in document:
        lines.append(("picture", document["figure"]))
    return [f"{name:<17} {text}" for name, text in lines]


def budget_text(budgets: Mapping[str, float | None]) -> str:
    """Return budgets in one line: 100,000 SETs, no limit of pulses, 1 forming."""
    return ", ".join(_budget(_NOUNS[name], budget) for name, budget in budgets.items())


def _budget(noun: str, budget: float | None) -> str:
    if budget is None:
        return f"no limit of {'energy' if noun == 'J' else noun}"
    number = f"{budget:,}" if isinstance(budget, int) else f"{budget:g}"
    return f"{number} {noun.removesuffix('s') if budget == 1 else noun}"


def _share(found: dict[str, Any] | None, cells: int) -> str:
    if found is None or found["value"] is None:
        return "not measured"
    return f"{found['value']:.1%} of {found['n']} {found['of']} ({cells} on the chip)"


def _runs(runs: list[dict[str, Any]]) -> str:
    if not runs:
        return "none"
    return f"{len(runs)}, the last {runs[-1]['label']} on {runs[-1]['started']}"


def _spread(
    values: dict[str, float] | None, unit: float = 1.0, name: str = "", digits: int = 6
) -> str:
    if values is None:
        return "none"
    low, middle, high = (
        plain(f"{values[key] / unit:.{digits}g}") for key in ("min", "median", "max")
    )
    return f"{low} to {high}{name} per cell, median {middle}"
