"""`memlab chip fit`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import rich_click as click
from rich.console import Console

from memlab.cli.chip_tables import describe_table, table_options, the_table, words_of_table
from memlab.cli.command import Command
from memlab.cli.options import EXISTING, SEED, json_option, out_option, quiet_option
from memlab.cli.streams import tell
from memlab.emulator import load_preset, preset_rows
from memlab.twin import (
    Fit,
    check_preset_path,
    default_base,
    fit_table,
    load_runs,
    write_preset,
)
from memlab.twin import fit as fit_twin


@click.command(cls=Command)
@click.argument("runs", nargs=-1, required=True, type=EXISTING)
@out_option(
    "Preset to write, for example twin.toml.",
    required=True,
)
@click.option(
    "--base",
    metavar="PRESET",
    help="Preset of what the runs say nothing about.  [default: that of an emulated board, "
    "else ta-hfo2; of a table ideal: another board measured it]",
)
@table_options
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of the first twin.")
@json_option
@quiet_option
def fit(
    runs: tuple[Path, ...],
    out: Path,
    base: str | None,
    seed: int,
    columns: tuple[str, ...],
    half: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Fit the parameters of the emulator to measured runs, and write them as a preset.

    RUNS are run files of `memlab characterize`; or one table of cells that others measured, whose
    columns --column describes: a gate sweep, a relaxation, a pulse train or an endurance test. The
    twin then is `emulator:?chip=twin.toml`: each number in it names its run or table and has one
    standard error; what they say nothing about is as in the base. The board of an uncalibrated chip
    errs more than its cells do: calibrate it first.
    """
    check_preset_path(out)
    table = the_table(runs, columns, half)
    measured = load_runs(runs) if table is None else []
    base = base or (default_base(measured) if measured else "ideal")
    console = Console(stderr=True)
    with console.status("twins are measured as the chip was") as status:

        def show(step: int, distance: float) -> None:
            if not quiet:
                status.update(f"step {step}: chip and twin differ by {distance:.2g} errors")

        if table is None:
            result = fit_twin(measured, load_preset(base), seed=seed, on_step=show)
            source = measured[0].chip[0]
        else:
            cells = table if half is None else table.of_cells(table.alternate(half))
            result = fit_table(cells, load_preset(base), seed=seed, on_step=show)
            source = table.path.name
    write_preset(out, result, base, source)
    document = _document(result, out, base)
    if table is not None:
        document["table"] = describe_table(table, half)
        for one in document["fitted"].values():
            one |= {"n": cells.cells, "of": "cells"}
    if as_json or not quiet:
        tell(document, as_json, lambda _: _words(document, len(preset_rows(base)) - 2))


def _document(result: Fit, out: Path, base: str) -> dict[str, Any]:
    units = {row.name: row.unit for row in preset_rows(base)}
    return {
        "preset": str(out),
        "base": base,
        "fitted": {
            one.name: {
                "value": one.value,
                "error": one.known_error,
                "units": units[one.name],
                "n": len(one.runs),
                "of": "runs",
                "procedure": one.procedure,
                "runs": list(one.runs),
            }
            for one in result.fitted
        },
        "undetermined": result.undetermined,
        "unchanged": sorted(set(units) - {one.name for one in result.fitted} - {"name", "source"}),
        "steps": result.steps,
        "distance": result.distance,
    }


def _words(document: dict[str, Any], parameters: int) -> list[str]:
    lines = words_of_table(document["table"]) if "table" in document else []
    for name, one in document["fitted"].items():
        error = f" ± {one['error']:.2g}" if isinstance(one["error"], float) else ""
        unit = "" if one["units"] == "1" else f" {one['units']}"
        value = one["value"]
        shown = f"{np.size(value)} numbers" if isinstance(value, tuple) else f"{value:.5g}"
        lines.append(
            f"{name:<26} {shown}{error}{unit}  ({one['procedure']}, {one['n']} {one['of']})"
        )
    lines += [f"{name:<26} not determined: {why}" for name, why in document["undetermined"].items()]
    kept = parameters - len(document["fitted"])
    lines.append(f"{kept} other parameters stay as in {document['base']} (--json lists them)")
    if document["distance"] >= 1.0:
        lines.append(
            f"the twin still differs by {document['distance']:.2g} standard errors: the base has "
            "other wires, transistors or boards than this chip"
        )
    lines.append(f"preset {document['preset']}: --board 'emulator:?chip={document['preset']}'")
    return lines
