"""`memlab board info`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import rich_click as click

from drivers.capabilities import capability_units
from drivers.converter import CodeRange, Converter
from memlab.array.passport_place import passport_of
from memlab.array.urls import open_board
from memlab.cli.command import Command
from memlab.cli.options import board_option, json_option
from memlab.cli.streams import tell
from memlab.units import prefixed

_PLAIN = ("units", "call_bytes")
"""What only the JSON document has."""


@click.command(cls=Command)
@board_option
@json_option
def info(url: str, as_json: bool) -> None:
    """Say what a board is, what it can do, and in which state it is.

    Opening a session grounds the lines of a board that nobody uses; nothing else is done to it.
    """
    with open_board(url) as board:
        document: dict[str, Any] = {
            "board": url,
            **asdict(board.capabilities),
            **board.status(),
        }
        passport = passport_of(board.capabilities.serial)
        document["passport"] = str(passport) if passport.is_file() else None
        units = capability_units(board.capabilities.sense.unit) | {"max_payload": "byte"}
        document["units"] = units
    tell(
        document,
        as_json,
        lambda _: [
            f"{k:<20} {_text(k, value, units)}" for k, value in document.items() if k not in _PLAIN
        ],
    )


def _text(key: str, value: Any, units: dict[str, str]) -> str:
    """Return a value in words: with its unit, and what a special one means."""
    if key == "row_current":
        modes = ("in read and VMM", "in a SET", "in a RESET")
        return ", ".join(f"{1e3 * i:g} mA {mode}" for i, mode in zip(value, modes, strict=True))
    if key in ("row", "column", "gate", "sense") and value is not None:
        return _codes(value)
    if key == "other_spans":
        return "; ".join(map(_codes, value)) or "none"
    if key == "cells_at_once":
        kinds = zip(value, ("in a SET", "in a RESET"), strict=True)
        return ", ".join(f"{cells or 'all'} of a row {kind}" for cells, kind in kinds)
    if key == "read_rows":
        return f"{value} connected at a time" if value else "all selected ones connected"
    if key.endswith("_step"):
        return f"{value:g} V" if value else "none, every DAC code can be sent"
    if key == "settled_now":
        return "; ".join(map(_settled, value)) or "nothing"
    if isinstance(value, tuple):
        return f"{', '.join(f'{one:g}' for one in value)} {units[key]}"
    if isinstance(value, float):
        factor, unit = prefixed(value, units[key])
        return f"{value / factor:.4g} {unit}"
    if value in (None, ""):
        return "none"
    return f"{value} {units[key]}" if key in units else str(value)


def _settled(one: dict[str, Any]) -> str:
    unknown = f", {len(one['unknown'])} unknown" if one["unknown"] else ""
    return f"operation {one['operation']}: {one['done']} of {one['pulses']} pulses fired{unknown}"


def _codes(words: dict[str, Any]) -> str:
    """Return what codes stand for."""
    converter = Converter(**{**words, "codes": CodeRange(**words["codes"])})
    low, top, unit = converter.minimum, converter.top, converter.unit
    factor, prefix = prefixed(converter.step, unit)
    return f"{low:.6g} to {top:.6g} {unit} in steps of {converter.step / factor:.4g} {prefix}"
