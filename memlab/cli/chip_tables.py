"""`memlab chip fit` and `memlab chip compare` with a table of measured cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rich_click as click

from memlab.emulator import ChipPreset
from memlab.errors import SettingError
from memlab.twin import (
    QUANTITIES,
    Curve,
    Table,
    TableComparison,
    compare_table,
    parse_mapping,
    read_table,
)
from memlab.units import prefixed

__all__ = [
    "compare_with_table",
    "describe_table",
    "table_options",
    "the_table",
    "words_of_comparison",
    "words_of_table",
]


def table_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --column and --half."""
    column = click.option(
        "--column",
        "columns",
        multiple=True,
        metavar="QUANTITY=NAME:UNIT",
        help="The file is a table (CSV, TSV, npz, MATLAB), and this one of its columns: "
        "gate_voltage=WL:V, resistance=R_after:kohm, cell=device. Quantities: "
        f"{', '.join(QUANTITIES)}.",
    )
    half = click.option(
        "--half",
        type=click.Choice(["even", "odd"]),
        help="Only every other cell of a table: fit to one half, compare with the other.",
    )
    return column(half(command))


def the_table(files: Sequence[Path], columns: Sequence[str], half: str | None) -> Table | None:
    """Return the table that these options name; None where the files are runs.

    Raises
    ------
    SettingError
        If there are several files, or halves of runs were asked for.
    """
    if not columns:
        if half:
            raise SettingError("--half is for the cells of a table: describe it with --column")
        return None
    if len(files) > 1:
        raise SettingError(
            "--column describes one table; fit further ones on top, with --base of the twin so far"
        )
    return read_table(files[0], [parse_mapping(text) for text in columns])


def describe_table(table: Table, half: str | None) -> dict[str, Any]:
    """Return what was read, for a document."""
    return {
        "file": str(table.path),
        "kind": table.kind.value,
        "lines": table.lines,
        "skipped": table.skipped,
        "cells": table.cells,
        "half": half,
    }


def compare_with_table(
    preset: ChipPreset, table: Table, half: str | None, seed: int, picture: Path
) -> dict[str, Any]:
    """Compare a twin with a table, draw both, and return the document."""
    chosen = None if half is None else table.alternate(half)
    comparison = compare_table(preset, table, chosen, seed=seed)
    _draw(comparison, f"Twin {preset.name} and measured cells", table.path.name, picture)
    return {
        "figure": str(picture),
        "agrees": comparison.agrees,
        "table": describe_table(table, half),
        "cells_compared": comparison.cells,
        "splits": comparison.splits,
        "furthest": comparison.furthest,
        "furthest_tolerance": comparison.furthest_tolerance,
        "units": comparison.units,
        "over": {"name": comparison.x_name, "units": comparison.x_units},
        "curves": [_curve(curve, comparison.units) for curve in comparison.curves],
    }


def _curve(curve: Curve, units: str) -> dict[str, Any]:
    return {
        "name": curve.name,
        "agrees": curve.agrees,
        "units": units,
        "n": curve.x.size,
        "rms": curve.rms,
        "rms_tolerance": curve.rms_tolerance,
        "median_error": float(np.median(np.abs(curve.twin - curve.measured))),
        "outside": int(np.count_nonzero(curve.outside)),
        "x": curve.x.tolist(),
        "measured": curve.measured.tolist(),
        "twin": curve.twin.tolist(),
        "tolerance": curve.tolerance.tolist(),
    }


def words_of_comparison(document: dict[str, Any]) -> list[str]:
    """Return where twin and table disagree, in lines for people."""
    table, curves = document["table"], document["curves"]
    failing = [curve["name"] for curve in curves if not curve["agrees"]]
    verdict = "agree" if document["agrees"] else f"disagree in {', '.join(failing)}"
    cells = f"{document['cells_compared']} of {table['cells']} cells"
    lines = [
        f"twin and {table['kind']} {verdict} ({cells}; tolerance: 95th percentile of the "
        f"difference of {document['splits']} random halves)"
    ]
    lines.append(
        f"furthest of {len(curves)} curves: {document['furthest']:.3g} of its tolerance, "
        f"in 95 % of random halves up to {document['furthest_tolerance']:.3g}"
    )
    lines += _skipped(table)
    largest = max(max(map(abs, curve["measured"])) for curve in curves)
    factor, unit = prefixed(largest, document["units"])
    over = document["over"]
    x_factor, x_unit = prefixed(max(max(curve["x"]) for curve in curves), over["units"])
    width = max(len(curve["name"]) for curve in curves)
    lines.append(
        f"{'':<{width}}  rms ({unit})  tolerance  outside  worst at ({x_unit})  table   twin"
    )
    for curve in curves:
        measured, twin, tolerance = (np.array(curve[k]) for k in ("measured", "twin", "tolerance"))
        worst = int(np.argmax(np.abs(twin - measured) / tolerance))
        lines.append(
            f"{curve['name']:<{width}}  {curve['rms'] / factor:8.3g}  "
            f"{curve['rms_tolerance'] / factor:9.3g}  {curve['outside']:3d}/{curve['n']:<3d}  "
            f"{curve['x'][worst] / x_factor:14.4g}  {measured[worst] / factor:6.4g}  "
            f"{twin[worst] / factor:6.4g}{'' if curve['agrees'] else '  beyond'}"
        )
    lines.append(f"picture {document['figure']}")
    return lines


def _skipped(table: dict[str, Any]) -> list[str]:
    if not table["skipped"]:
        return []
    told = "; ".join(f"{count} x {why}" for why, count in table["skipped"].items())
    return [f"left out of {table['lines']} lines: {told}"]


def words_of_table(table: dict[str, Any]) -> list[str]:
    """Return what was read, in lines for people."""
    half = f", the {table['half']} half of them fitted" if table["half"] else ""
    line = f"{table['kind']}: {table['lines']} lines of {table['cells']} cells{half}"
    return [line, *_skipped(table)]


def _draw(comparison: TableComparison, title: str, file: str, picture: Path) -> None:
    from memlab.figures.heading import heading_of, utc
    from memlab.figures.table_comparison import plot_table_comparison

    plot_table_comparison(
        [
            (curve.name, curve.x, curve.measured, curve.twin, curve.tolerance)
            for curve in comparison.curves
        ],
        (comparison.x_name, comparison.x_units),
        comparison.units,
        heading_of(title, "", file, f"compared {utc()}"),
        picture,
    )
