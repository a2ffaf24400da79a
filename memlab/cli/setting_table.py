"""Every setting of some kinds of runs, as a table or a document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from memlab.cli.streams import show_document
from memlab.kinds import load_kind
from memlab.session import configure, read_config
from memlab.setting_list import SettingRow, list_settings

__all__ = ["show_settings"]

_WIDE = 160
"""Columns where nobody says how many there are, as in a pipe."""


def show_settings(
    names: Sequence[str],
    *,
    preset: str | None,
    config_file: Path | None,
    settings: Sequence[str],
    as_json: bool,
) -> None:
    """Show what each kind would be run with: default, value, unit, meaning, what is allowed.

    Raises
    ------
    SettingError
        If there is no such kind or preset, or something given is wrong.
    """
    documents = [_document(name, names, preset, config_file, settings) for name in names]
    if as_json:
        show_document(documents[0] if len(documents) == 1 else {"kinds": documents})
        return
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)
    for document in documents:
        console.print(_table(document))


def _document(
    name: str,
    names: Sequence[str],
    preset: str | None,
    config_file: Path | None,
    settings: Sequence[str],
) -> dict[str, Any]:
    kind = load_kind(name)
    file = None if config_file is None else read_config(config_file)
    preset = preset or (file.preset if file is not None else "") or kind.default_preset()
    now = configure(kind, preset, file, settings, names)
    rows = [asdict(row) for row in list_settings(kind.make_config(preset), now)]
    return {"kind": name, "preset": preset or None, "settings": rows}


def _table(document: dict[str, Any]) -> Table:
    preset = f", preset {document['preset']}" if document["preset"] else ""
    table = Table(
        title=f"{document['kind']}{preset}: --set NAME=VALUE",
        title_justify="left",
        box=None,
        padding=(0, 2, 0, 0),
    )
    table.add_column("name", no_wrap=True)
    table.add_column("value", max_width=24, overflow="fold")
    table.add_column("unit", no_wrap=True)
    table.add_column("meaning", ratio=3)
    table.add_column("allowed", ratio=1, min_width=16)
    for one in document["settings"]:
        row = SettingRow(**one)
        value = _text(row.value)
        if row.value != row.default:
            value += f" (default {_text(row.default)})"
        cells = (row.name, value, "" if row.unit == "1" else row.unit, row.meaning, row.allowed)
        table.add_row(*map(escape, cells))
    return table


def _text(value: Any) -> str:
    """Return a value as `--set` takes it; of a long list how long it is."""
    if isinstance(value, str):
        return value or '""'
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{len(value)} items"
