"""The file of a chip to begin with: every parameter with its value, commented out, and a schema.

Editors that know JSON schemas for TOML (taplo, Even Better TOML) check and complete the file by the
schema that its first line names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pydantic import BaseModel

from memlab.chip.budget_changes import DEFAULT_BUDGETS
from memlab.chip.limits import Limits, OperatingPoint
from memlab.emulator.preset import ChipPreset, ParameterRow, preset_rows

__all__ = ["SCHEMA_NAME", "chip_schema", "chip_template"]

SCHEMA_NAME = "memlab-chip.schema.json"

_TITLES = {
    "": "Geometry, and the law of SET and RESET",
    "limits": "What the chip may see; a limit raises, and nothing is clipped",
    "point": "Voltages and widths of reading and programming; --set point.KEY=VALUE wins",
    "budgets": "What a new passport of the chip begins with",
    "wires": "Wires of the array",
    "board": "The board around the chip: DACs, drivers, amplifiers, ADCs, timing",
}
_FIRST = ("limits", "point", "budgets", "forming", "wires")
"""Tables that come first; the others follow in the order of `ChipPreset`."""
_KEPT = ("name", "source", "shape")
"""What stands in the file itself."""


def chip_template(base: str) -> str:
    """Return the text of a chip's file that is as a preset until something in it is changed.

    Raises
    ------
    SettingError
        If there is no such preset.
    """
    rows = preset_rows(base)
    preset = {row.name: row for row in rows}
    tables: dict[str, list[str]] = {"": []}
    for row in (*rows, *_defaults(preset)):
        table, _, name = row.name.rpartition(".")
        if row.name not in _KEPT and not isinstance(row.value, tuple):
            tables.setdefault(table, []).append(_line(name, row))
    # No protocol describes a board whose cells have no gates.
    gates = preset["passive.scheme"].value == "none"
    served = ", memlab board serve --chip FILE" if gates else ""
    order = ["", *_FIRST, *(name for name in tables if name not in ("", *_FIRST))]
    return "\n".join(
        [
            f"#:schema ./{SCHEMA_NAME}",
            f"# A chip for memlab: emulator:?chip=FILE{served}. What is",
            f"# commented out is as in {base}. SI units; memlab chip show FILE lists what holds.",
            f'extends = ["parts/board-timing", {json.dumps(base)}]  # the last wins',
            'source = "by hand"  # where the numbers come from',
            f"shape = {json.dumps(preset['shape'].value)}  # rows x columns",
            *(line for name in order for line in _table(name, tables[name])),
            "",
        ]
    )


def chip_schema() -> dict[str, Any]:
    """Return the JSON schema of a chip's file."""
    schema = ChipPreset.model_json_schema()
    texts = {"type": "string"}
    schema["properties"] |= {
        "extends": {
            "description": "Presets, or files, whose values this one starts from; the last wins.",
            "anyOf": [texts, {"type": "array", "items": texts}],
        },
        "sources": {
            "description": "Where single numbers come from, by their dotted names.",
            "type": "object",
            "additionalProperties": texts,
        },
    }
    del schema["required"]  # what a file does not say may stand in what it extends
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _defaults(preset: Mapping[str, ParameterRow]) -> list[ParameterRow]:
    """Return what a preset leaves as it is by default: limits, operating point, budgets."""
    found = []
    for group, values in (
        ("limits", asdict(Limits())),
        ("point", asdict(OperatingPoint())),
        ("budgets", DEFAULT_BUDGETS),
    ):
        changes = ChipPreset.model_fields[group].annotation
        assert isinstance(changes, type)
        assert issubclass(changes, BaseModel)
        for name, field in changes.model_fields.items():
            if f"{group}.{name}" not in preset and name in values:
                extra = field.json_schema_extra
                unit = str(extra["unit"]) if isinstance(extra, dict) else ""
                about = str(field.description)
                found.append(ParameterRow(f"{group}.{name}", values[name], unit, about, "default"))
    return found


def _table(name: str, lines: list[str]) -> list[str]:
    title = _TITLES.get(name)
    head = [f"# --- {title}"] if title else []
    return ["", *head, *([f"[{name}]"] if name else []), *lines]


def _line(name: str, row: ParameterRow) -> str:
    unit = f"{row.unit}: " if row.unit not in ("", "1") else ""
    source = f" ({row.source})" if row.source and row.source != "default" else ""
    value = json.dumps(row.value) if isinstance(row.value, str | bool) else repr(row.value)
    return f"# {name} = {value}  # {unit}{row.description}{source}"
