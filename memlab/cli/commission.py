"""`memlab commission`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import rich_click as click
from click.exceptions import Exit

from memlab.array.urls import check_url, chip_of_url
from memlab.calibrate.procedure import run_calibration
from memlab.calibrate.settings import CalibrationSettings
from memlab.characterize import (
    Region,
    Watcher,
    check_procedures,
    estimate_procedures,
    plan_procedures,
    resume,
    run_procedures,
)
from memlab.characterize.procedure import ProcedureConfig
from memlab.chip.limit_changes import LimitChanges
from memlab.chip.limits import Limits
from memlab.cli import options
from memlab.cli.board_selftest import check_board
from memlab.cli.command import Command
from memlab.cli.estimate import words_of_procedures
from memlab.cli.procedures import watch_readings
from memlab.cli.streams import tell
from memlab.emulator import ChipPreset
from memlab.errors import SettingError
from memlab.kinds import kind_of_run
from memlab.report import Row, Summary, draw_pictures, summarise, write_page
from memlab.runs import open_run
from memlab.runs.half_written import remove_not_begun
from memlab.session import place_for
from memlab.storage import make_directory, write_over

BEFORE, AFTER = ("forming",), ("yield", "read-noise")
"""Procedures before and after the calibration, which needs cells that conduct."""
UNFORMED = "chip=fresh-ta-hfo2"
"""What the plan reckons with: no cell is formed yet. One that is gets no pulse."""


@click.command(cls=Command)
@options.board_option
@options.region_options
@options.limits_option
@options.out_option(
    "Directory; one that was begun is gone on with.  [default: memlab-runs/commission-...]",
    click.Path(file_okay=False, path_type=Path),
    "DIR",
)
@click.option("--yes", is_flag=True, help="Do not ask before the chip is pulsed.")
@options.json_option
@options.quiet_option
def commission(
    url: str,
    region: Region,
    limits: LimitChanges | None,
    out: Path | None,
    yes: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Take a board and its chip into use: test, form, calibrate, measure, report.

    Self-test; forming of the cells that are not formed; calibration; yield with good rows and
    columns; read noise; a page about all of it. What it will take is shown first, and asked. After
    an interrupt the same command with --out DIR goes on: what is finished is not done again.
    """
    if url.startswith("emulator:") and "state=" not in url:
        raise SettingError(
            f"{url}: an emulated chip ends with each step; keep it in a file (state=FILE in the "
            "URL), or serve it (memlab board serve)"
        )
    limits = limits or LimitChanges()
    # A URL that cannot be is refused at once.
    plans = plan_procedures([*BEFORE, *AFTER], board=url, settings=limits.settings())
    ramp = _ramp(url, limits)
    plans = plan_procedures([*BEFORE, *AFTER], board=url, settings=[*limits.settings(), *ramp])
    directory = out or place_for(None, "commission", "")
    asked = _asked(url, region, limits)
    if directory.exists():
        _check_same(directory / "commission.json", asked)
    else:
        _ask(url, region, limits, ramp, yes)
        check_procedures(plans, url, region)  # what the last step may not do, the first does not
        make_directory(directory.parent)
        make_directory(directory)
        write_over(
            directory / "commission.json", lambda file: file.write(json.dumps(asked).encode())
        )
    tested = _test(url, limits, directory / "selftest.json")
    with watch_readings(quiet) as watch:
        _measure(BEFORE, url, region, limits, directory / "forming.h5", watch, ramp)
        calibration = _calibrate(url, limits, directory)
        _measure(AFTER, url, region, limits, directory / "cells", watch)
    runs = [directory / "forming.h5", calibration, *(directory / "cells").glob("*.h5")]
    summaries = [summarise(path) for path in runs]
    page = directory / "report.html"
    pictured = list(zip(summaries, draw_pictures(summaries), strict=True))
    write_page(page, f"Commissioning of {url}", pictured, {"Self-test": _checks(tested)})
    document = {
        "board": url,
        "selftest": tested,
        "runs": [{"run": str(one.path), "status": one.status} for one in summaries],
        "report": str(page),
    }
    tell(document, as_json, lambda _: [*_words(tested, summaries), f"report {page}"])


def _asked(url: str, region: Region, limits: LimitChanges) -> dict[str, Any]:
    """Return what was asked for, as it is kept for those who go on."""
    mask = None if region.mask is None else str(region.mask.absolute())
    return {
        "board": check_url(url),
        "region": {**asdict(region), "cells": list(region.cells), "mask": mask},
        "limits": limits.given(),
    }


def _check_same(path: Path, asked: dict[str, Any]) -> None:
    """Refuse to go on with another board, other cells or other limits than it was begun with."""
    try:
        begun = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # begun by memlab 0.2, or before there was anything
        return
    for name, value in asked.items():
        if begun.get(name) != value:
            raise SettingError(
                f"{path.parent} was begun with {name} {_plain(begun.get(name))}, not "
                f"{_plain(value)}: give the same, or another --out. Nothing was pulsed"
            )


def _plain(value: Any) -> str:
    """Return what was asked for in words."""
    if not isinstance(value, dict):
        return str(value)
    given = [f"{name}={one}" for name, one in value.items() if one]
    return " ".join(given) or "as they are by default"


_PASSED = {True: "passed", False: "failed", None: "not told"}


def _checks(tested: Sequence[dict[str, Any]]) -> list[Row]:
    """Return the self-test as a table."""
    return [Row(item["name"], _PASSED[item["passed"]], item["detail"]) for item in tested]


def _words(tested: Sequence[dict[str, Any]], summaries: Sequence[Summary]) -> Iterator[str]:
    """Yield what was found, and where it is."""
    passed = sum(item["passed"] is True for item in tested)
    untold = sum(item["passed"] is None for item in tested)
    yield f"selftest: {passed} checks passed" + (f", {untold} not told" if untold else "")
    for one in summaries:
        yield f"{one.run.kind}: {one.status}"
        yield from kind_of_run(one.run).summarise(one.run.findings)
        yield f"  run file {one.path}"


def _ramp(url: str, limits: LimitChanges) -> list[str]:
    """Return the end of the ramp of forming where the chip may see less than is usual."""
    (forming,) = plan_procedures(BEFORE, board=url, settings=limits.settings())
    chip = chip_of_url(url)
    own = Limits() if chip is None else chip.limits.over(Limits())
    most = limits.over(own).set_voltage
    low, usual = (getattr(forming.config, f"voltage_{end}") for end in ("minimum", "maximum"))
    # What leaves no ramp is refused as any limit is.
    return [f"voltage_maximum={most}"] if low < most < usual else []


def _ask(url: str, region: Region, limits: LimitChanges, ramp: Sequence[str], yes: bool) -> None:
    """Show what the procedures will take at most, and wait for a yes."""
    names, settings = [*BEFORE, *AFTER], [*limits.settings(), *ramp]
    chip = chip_of_url(url)
    if chip is not None and chip.passive.active:
        plans = [
            replace(plan, procedure=type(plan.procedure)(_of_chip(plan.config, chip)))
            for plan in plan_procedures(names, board=url, settings=settings)
        ]
    else:
        plans = plan_procedures(names, settings=[UNFORMED, *settings])
    bills = estimate_procedures(plans, region)
    seconds = sum(bill["on_board"]["seconds"] for bill in bills)
    plan = {"procedures": bills, "seconds_on_board": seconds, "board_profile": "plain"}
    click.echo(f"{url}: self-test, forming where needed, calibration, yield, read noise", err=True)
    click.echo(
        "if no cell is formed yet, beside self-test and calibration, which only read:", err=True
    )
    click.echo("\n".join(words_of_procedures(plan)), err=True)
    if yes:
        return
    if not sys.stdin.isatty():
        raise SettingError("nobody can be asked here: add --yes. Nothing was pulsed")
    click.confirm("Go on?", abort=True, err=True)


def _of_chip(config: ProcedureConfig, chip: ChipPreset) -> ProcedureConfig:
    return config.model_copy(update={"chip": chip})


def _test(url: str, limits: LimitChanges, path: Path) -> list[dict[str, Any]]:
    """Test the board unless it has passed; end the command where it fails."""
    with suppress(OSError, ValueError):
        found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        return found
    items = [asdict(item) for item in check_board(url, limits)]
    failed = [item for item in items if item["passed"] is False]
    for item in failed:
        click.echo(f"FAIL  {item['name']:<14} {item['detail']} -> {item['advice']}", err=True)
    if failed:
        raise Exit(1)
    write_over(path, lambda file: file.write(json.dumps(items).encode()))
    return items


def _measure(
    names: Sequence[str],
    url: str,
    region: Region,
    limits: LimitChanges,
    path: Path,
    watch: Watcher | None,
    ramp: Sequence[str] = (),
) -> None:
    """Run procedures into a file, or several into a directory; go on where they had begun."""
    first = path if len(names) == 1 else path / f"{names[0]}.h5"
    remove_not_begun(first)
    if first.exists():
        resume(first, watch=watch)
        return
    plans = plan_procedures(names, board=url, settings=[*limits.settings(), *ramp], out=path)
    run_procedures(plans, url, region, watch=watch)


def _calibrate(url: str, limits: LimitChanges, directory: Path) -> Path:
    """Calibrate the board unless that is finished; return the run file."""
    for path in directory.glob("calibration*.h5"):
        remove_not_begun(path)
    begun = sorted(directory.glob("calibration*.h5"))
    for path in begun:
        if open_run(path).finished:
            return path
    path = directory / f"calibration{f'-{len(begun) + 1}' if begun else ''}.h5"
    settings = CalibrationSettings(limits=limits)
    run_calibration(url, settings, lambda probe: None, lambda text: None, out=path)
    return path
