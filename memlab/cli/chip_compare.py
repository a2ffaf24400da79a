"""`memlab chip compare`."""

from __future__ import annotations

import math
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import rich_click as click
from rich.console import Console

from memlab.cli import options
from memlab.cli.chip_tables import (
    compare_with_table,
    table_options,
    the_table,
    words_of_comparison,
)
from memlab.cli.command import Command
from memlab.cli.streams import tell
from memlab.emulator import load_preset
from memlab.runs import read_attributes
from memlab.storage import check_new
from memlab.twin import Comparison, load_runs
from memlab.twin import compare as compare_twin
from memlab.units import prefixed


@click.command(cls=Command)
@click.argument("twin")
@click.argument("runs", nargs=-1, required=True, type=options.EXISTING)
@options.out_option(
    "Picture to write.  [default: TWIN-compare.png]",
)
@click.option("--seed", type=options.SEED, default=1, show_default=True, help="Of the first twin.")
@click.option(
    "--alpha",
    type=options.FiniteRange(0.0, 1.0, min_open=True, max_open=True),
    default=0.01,
    show_default=True,
    help="Probability to find any disagreement where there is none.",
)
@table_options
@options.json_option
@options.quiet_option
def compare(
    twin: str,
    runs: tuple[Path, ...],
    out: Path | None,
    seed: int,
    alpha: float,
    columns: tuple[str, ...],
    half: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run the procedures of RUNS on a twin, and test where chip and twin disagree.

    TWIN is a preset: `twin.toml` of `memlab chip fit`, or a built-in one. Each reading and each
    change between readings is tested (two samples, Kolmogorov-Smirnov, corrected for the number of
    tests and for errors that cells share). Runs that the twin was not fitted to are the honest
    test.

    With --column, RUNS is one table of measured cells: its statistics are compared with those of
    the emulated chip in the same test, against how far random halves of its cells are apart.
    """
    preset, table = load_preset(twin), the_table(runs, columns, half)
    measured = load_runs(runs) if table is None else []
    picture = out or Path(f"{Path(twin).stem}-compare.png")
    check_new(picture, "--out")
    if table is not None:
        with Console(stderr=True).status("the twin is measured as the cells of the table were"):
            compared = {"twin": twin} | compare_with_table(preset, table, half, seed, picture)
        if as_json or not quiet:
            tell(compared, as_json, words_of_comparison)
        return
    with Console(stderr=True).status("twins are measured as the chip was"):
        comparison = compare_twin(preset, measured, seed=seed, alpha=alpha)
    _draw(comparison, preset.name, picture)
    document = _document(comparison, twin, picture)
    if as_json or not quiet:
        tell(document, as_json, _words)


def _draw(comparison: Comparison, twin: str, picture: Path) -> None:
    from memlab.figures import ComparisonPanel, plot_comparison
    from memlab.figures.heading import heading_of, place_of, utc

    panels = []
    for run, records in comparison.twins:
        own = [step for step in comparison.steps if step.run == run.path.name]
        tests = {}
        for kind in dict.fromkeys(step.kind for step in own):
            steps = [step for step in own if step.kind == kind]
            tests[kind] = (
                np.array([step.step for step in steps], np.float64),
                np.array([step.distance for step in steps]),
                np.array([step.p < comparison.alpha for step in steps]),
            )
        chip = run.record.conductance
        length = min(len(chip), *(len(record.readings) for record in records))
        others = np.concatenate([record.conductance[:length] for record in records], axis=1)
        title = run.procedure.name
        if len(comparison.twins) > 1:
            title += f", {run.path.name}"
        panels.append(ComparisonPanel(title, chip[:length], others, tests))
    verdict = "agrees" if comparison.agrees else "disagrees"
    runs = [run for run, _ in comparison.twins]
    heading = heading_of(
        f"Twin {twin} {verdict} with the chip",
        place_of(read_attributes(run.path, "entry/instrument") for run in runs),
        ", ".join(run.path.name for run in runs),
        utc(datetime.fromisoformat(runs[0].started[0]).timestamp()),
    )
    plot_comparison(panels, heading, picture)


def _document(comparison: Comparison, twin: str, picture: Path) -> dict[str, Any]:
    change, tests = comparison.smallest_change
    return {
        "twin": twin,
        "figure": str(picture),
        "agrees": comparison.agrees,
        "alpha": comparison.alpha,
        "tests": len(comparison.steps),
        "disagreeing": len(comparison.disagreeing),
        "skipped": comparison.skipped,
        "smallest_change": {
            "value": change if math.isfinite(change) else None,
            "units": "1",
            "n": tests,
            "of": "tests of levels",
            "description": "Smallest relative change of levels that a test finds nine times in ten",
        },
        "steps": [
            {
                name: None if isinstance(value, float) and not math.isfinite(value) else value
                for name, value in asdict(step).items()
            }
            for step in comparison.ranked
        ],
    }


def _words(document: dict[str, Any]) -> list[str]:
    verdict = "agree" if document["agrees"] else "disagree"
    lines = [
        f"chip and twin {verdict}: {document['disagreeing']} of {document['tests']} tests differ "
        f"(all together at the level of {document['alpha']:g})"
    ]
    smallest = document["smallest_change"]
    if smallest["n"] and smallest["value"] is not None:
        lines.append(
            f"a change of levels by {smallest['value']:.2g} of them or more would have been found "
            f"nine times in ten (best of {smallest['n']} tests)"
        )
    elif smallest["n"]:
        lines.append(
            "no change of levels could have been found: too few independent cells; calibrate the "
            "board, or measure more of it"
        )
    # Medians, their difference in spreads of the chip, ratio of the spreads, Kolmogorov-Smirnov.
    lines.append(
        f"{'most significant':<24}{'chip':>13}{'twin':>13}"
        "   shift  spread  distance  cells of     p"
    )
    lines += [
        f"  {step['procedure'] + ' ' + step['kind']:<18}{step['step']:>4d}"
        f"{_quantity(step['chip_median'], step['units']):>13}"
        f"{_quantity(step['twin_median'], step['units']):>13}"
        f"{_number(step['shift']):>8}{_number(step['spread_ratio']):>8}"
        f"{step['distance']:9.3f} {step['cells']:6.0f} {step['values']:4d}  {step['p']:.2g}"
        for step in document["steps"][:5]
    ]
    for run, steps in document["skipped"].items():
        lines.append(f"{run}: {steps} steps left out, the twin took other ones")
    lines.append(f"picture {document['figure']}")
    return lines


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _quantity(value: float, units: str) -> str:
    factor, unit = prefixed(abs(value), units)
    return f"{value / factor:.4g}" + ("" if unit == "1" else f" {unit}")
