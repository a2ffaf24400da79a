"""`memlab calibrate`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import rich_click as click

from drivers import stopping
from drivers.board import Capabilities
from drivers.errors import InUseError
from memlab.array.options import split_array_options
from memlab.array.passport_place import passport_of
from memlab.array.urls import open_board
from memlab.calibrate.procedure import CalibrationKind, run_calibration, uses_latest
from memlab.calibrate.reference import Probe
from memlab.calibrate.settings import CalibrationSettings
from memlab.calibration.store import CalibrationStore
from memlab.cli import options
from memlab.cli.command import Command
from memlab.cli.setting_options import config_option, set_option, setting_options
from memlab.cli.streams import tell
from memlab.passport import Passport
from memlab.regions import format_lines
from memlab.session import Labels, configure, read_config

_DEFAULT = CalibrationSettings()


@click.command(cls=Command)
@options.board_option
@click.option("--smu", metavar="RESOURCE", help="Reference SMU, for example GPIB0::24::INSTR.")
@click.option("--rows", default="", metavar="LINES", help="Rows to put it on: 0:16 or 3,5.")
@click.option("--columns", default="", metavar="LINES", help="Columns to put it on.")
@click.option("--yes", is_flag=True, help="Do not wait when the SMU is to be connected.")
@click.option("--program", is_flag=True, help="SET every cell at random first; they are lost.")
@click.option(
    "--passes",
    type=click.IntRange(min=1),
    help=f"Average over so many passes at most.  [default: {_DEFAULT.passes}]",
)
@click.option(
    "--target",
    type=options.FiniteRange(min=0.0, min_open=True),
    metavar="V",
    help=f"... or until rows are known this well.  [default: {_DEFAULT.target:g}]",
)
@click.option(
    "--seconds",
    type=options.FiniteRange(min=0.0, min_open=True),
    help=f"... or for so long.  [default: {_DEFAULT.seconds:g}]",
)
@click.option(
    "--seed", type=options.SEED, help=f"Seed of everything random.  [default: {_DEFAULT.seed}]"
)
@setting_options(set_option("vectors=96"), config_option, kind="calibration")
@options.out_option(
    "Run file; the picture goes beside it.  [default: memlab-runs/calibration-...h5]",
)
@click.option("--no-store", is_flag=True, help="Keep no version; only write the run file.")
@click.option("--list", "do_list", is_flag=True, help="List this board's versions.")
@click.option("--use", type=click.IntRange(min=1), metavar="VERSION", help="Use a version.")
@click.option("--undo", is_flag=True, help="Use again what was in use before.")
@click.option("--off", is_flag=True, help="Use none.")
@options.label_options
@options.json_option
@options.quiet_option
def calibrate(
    url: str,
    smu: str | None,
    rows: str,
    columns: str,
    yes: bool,
    program: bool,
    passes: int | None,
    target: float | None,
    seconds: float | None,
    seed: int | None,
    settings: tuple[str, ...],
    config_file: Path | None,
    out: Path | None,
    no_store: bool,
    do_list: bool,
    use: int | None,
    undo: bool,
    off: bool,
    as_json: bool,
    quiet: bool,
    labels: Labels,
) -> None:
    """Measure a board's static errors, and undo them from now on.

    From the board's own readings: offsets of rows, amplifiers and ADCs, and how the gains of a
    column differ. With a reference SMU also the gain of rows and amplifiers. Cells are only read,
    and some must conduct. What is found is stored as a new version for this board, and every
    array on it uses the version in use (add calibration=none to its URL to go without).
    """
    chosen = [name for name, asked in _choices(do_list, use, undo, off).items() if asked]
    if len(chosen) > 1:
        raise click.UsageError(f"choose one of {' and '.join(chosen)}")
    if chosen:
        _versions(url, chosen[0], use, as_json)
        return
    named = {"passes": passes, "target": target, "seconds": seconds, "seed": seed}
    own = [f"{name}={value!r}" for name, value in named.items() if value is not None]
    file = None if config_file is None else read_config(config_file)
    with _progress(quiet) as watch:
        document = run_calibration(
            url,
            configure(CalibrationKind, "", file, [*settings, *own], boards=[url]),
            _say if yes else _ask,
            watch,
            out=out,
            smu=smu,
            rows=rows,
            columns=columns,
            program=program,
            store=not no_store,
            labels=labels,
        )
    tell(document, as_json, _words)


def _note_in_passport(url: str, able: Capabilities, store: CalibrationStore) -> None:
    """Have the chip's passport name the version in use now, and not when it is opened next."""
    named = split_array_options(url)[1].passport
    path = passport_of(able.serial) if named is None else Path(named)
    if able.serial and path.is_file():
        with suppress(InUseError), Passport(path, (able.rows, able.columns)) as passport:
            passport.calibration = store.load(store.used).name if store.used else None


def _choices(do_list: bool, use: int | None, undo: bool, off: bool) -> dict[str, bool]:
    return {"--list": do_list, "--use": use is not None, "--undo": undo, "--off": off}


def _versions(url: str, choice: str, use: int | None, as_json: bool) -> None:
    """Show or change which version of a board is in use."""
    with open_board(url) as board:
        able = board.capabilities
    store = CalibrationStore(able.calibrated_as)
    if choice == "--undo":
        store.undo()
    elif choice != "--list":
        store.use(use or 0)
    if choice != "--list" and uses_latest(url):
        _note_in_passport(url, able, store)
    versions = [
        {"version": one.version, "date": one.date, "method": one.method, "software": one.software}
        for one in store.versions()
    ]
    document = {"serial": store.serial, "in_use": store.used or None, "versions": versions}
    used = f"version {store.used}" if store.used else "none"
    if store.used and url.startswith("emulator:"):
        used += ", where the emulator's URL says calibration=latest"
    number = f"{len(versions)} version{'' if len(versions) == 1 else 's'}"
    lines = [
        f"{'*' if one['version'] == store.used else ' '} {one['version']:>4}  {one['date']}  "
        f"{one['method']}"
        for one in versions
    ]
    told = [*lines, f"board {store.serial}: {number}, in use: {used}"]
    tell(document, as_json, lambda _: told)


def _ask(probe: Probe) -> None:
    """Wait until the operator has connected the SMU; Ctrl-C ends everything, output off."""
    stopping.check()
    try:
        with stopping.at_once():
            click.prompt(
                f"{probe.text}, then press Enter", default="", show_default=False, err=True
            )
    except click.Abort as abort:
        raise KeyboardInterrupt from abort


def _say(probe: Probe) -> None:
    click.echo(probe.text, err=True)


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show what is being done in one line of a terminal, and nowhere else."""
    if quiet or not sys.stderr.isatty():
        yield lambda text: None
        return

    def show(text: str) -> None:
        click.echo(f"\r\x1b[K{text}", nl=False, err=True)

    yield show
    click.echo("\r\x1b[K", nl=False, err=True)


def _words(document: dict[str, Any]) -> list[str]:
    """Return what was found, for a person."""
    error, units = document["vmm_error"], {"1": "relative", "code": "codes"}
    lines = ["                       spread    standard error"]
    for name, spread in document["spread"].items():
        one = document["uncertainty"][name]
        unit = units.get(one["units"], one["units"])
        known = "not known this way" if one["value"] is None else f"{one['value']:.2g} {unit}"
        found = "-" if spread["value"] is None else f"{spread['value']:.3g}"
        within = document["within_error"][name]
        more = f"; {format_lines(within)} are within their error of 0" if within else ""
        lines.append(f"{name:<20} {found:>9}    {known} ({one['n']} {one['of']}{more})")
    lines += [
        f"{what} {format_lines(document[f'unknown_{what}'])}: no cell conducts; nothing is known "
        "of them, and they are taken for nominal. SET some (--program) to know them"
        for what in ("rows", "columns")
        if document[f"unknown_{what}"]
    ]
    before, after = error["before"], error["after"]
    lines += [
        f"products against the map read back: {before['value']:.3g} A rms before, "
        f"{after['value']:.3g} A after ({after['n']} {after['of']})",
        f"{document['passes']} passes, {document['seconds']:.1f} s; {document['method']}",
        f"stored as version {document['version']} of board {document['serial']}: {document['use']}"
        if document["version"]
        else "not stored",
        f"run file {document['run']}",
        f"picture  {document['figure']}",
    ]
    return lines
