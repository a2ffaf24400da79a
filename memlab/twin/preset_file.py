"""Writes a twin as a preset file: what was fitted, with its sources, on top of its base."""

from __future__ import annotations

import json
import os
from pathlib import Path

from memlab.emulator.preset import preset_rows
from memlab.errors import SettingError
from memlab.storage import check_new, write_new
from memlab.twin.fit import Fit, FittedParameter

__all__ = ["check_preset_path", "write_preset"]


def check_preset_path(path: Path) -> None:
    """Raise `SettingError` unless a new preset file can be written here."""
    if path.suffix != ".toml":
        raise SettingError(f"{path}: a preset file must end in .toml")
    check_new(path)


def write_preset(path: Path, result: Fit, base: str, chip: str) -> None:
    """Write a fitted twin as a TOML file that `emulator:?chip=FILE` loads.

    Parameters
    ----------
    path
        A new file.
    result
        The fit.
    base
        Name or path of the preset that it was fitted on.
    chip
        What was measured, for its source.
    """
    units = {row.name: row.unit for row in preset_rows(base)}
    if base.endswith(".toml"):
        base = os.path.relpath(base, path.parent)
    lines = [
        "# Fitted by `memlab chip fit`; what is not here is as in the preset that it extends.",
        f"name = {json.dumps(path.stem)}",
        f"source = {json.dumps(f'memlab chip fit to {chip}, on {base}')}",
        f"extends = [{json.dumps(base)}]",
    ]
    top = [one for one in result.fitted if "." not in one.name]
    lines += [_assignment(one, one.name, units[one.name]) for one in top]
    groups: dict[str, list[FittedParameter]] = {}
    for one in result.fitted:
        group, dot, _ = one.name.rpartition(".")
        if dot:
            groups.setdefault(group, []).append(one)
    for group, members in groups.items():
        lines += ["", f"[{group}]"]
        lines += [_assignment(one, one.name.rpartition(".")[2], units[one.name]) for one in members]
    lines += ["", "[sources]"]
    lines += [f"{json.dumps(one.name)} = {json.dumps(_source(one))}" for one in result.fitted]
    text = "\n".join(lines) + "\n"
    write_new(path, lambda file: file.write(text.encode()))


def _assignment(one: FittedParameter, key: str, unit: str) -> str:
    value = json.dumps(one.value) if isinstance(one.value, tuple) else repr(one.value)
    return f"{key} = {value}  # {unit}"


def _source(one: FittedParameter) -> str:
    known = one.known_error
    error = f"; one standard error {known:.2g}" if isinstance(known, float) else ""
    return f"{one.procedure}, {', '.join(one.runs)}{error}"
