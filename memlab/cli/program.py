"""`memlab program`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import rich_click as click

from memlab.cli import options
from memlab.cli.command import Command
from memlab.cli.reached import cells_reached
from memlab.cli.setting_options import config_option, set_option, setting_options
from memlab.cli.streams import tell
from memlab.cli.summary import report_finished
from memlab.mapping import Round
from memlab.operations import program_target, resume_program
from memlab.operations.program import ProgramKind
from memlab.regions import Region
from memlab.session import Labels, configure, named_in_errors, read_config


@click.command(cls=Command)
@click.argument("target", required=False, type=options.NEW)
@options.board_option
@options.region_options
@options.load_option
@click.option("--tolerance", metavar="S", help="Allowed deviation of a cell in S.  [default: 5e-6]")
@setting_options(
    set_option("attempts=30, law=measured or chip=pt-taox-ta (what is on the board)"),
    config_option,
    kind="program",
)
@options.out_option(
    "Run file to write; the picture goes beside it.  [default: memlab-runs/program-...h5]",
)
@options.label_options
@options.json_option
@options.quiet_option
def program(
    target: Path | None,
    url: str,
    region: Region,
    load: str | None,
    tolerance: str | None,
    settings: tuple[str, ...],
    config_file: Path | None,
    out: Path | None,
    as_json: bool,
    quiet: bool,
    labels: Labels,
) -> None:
    """Bring cells to the conductances of TARGET.npy, in S, by write-and-verify.

    TARGET has the shape of the array; NaN leaves a cell alone. Cells outside the region given by
    --rows, --columns, --cells and --mask are not pulsed. Each round pulses the cells that are not
    done, at most twice, and reads them; cells that do not get there are reported. Readings, and a
    law that is measured, are those under the load in which the cells will be used (--load). A
    target that the chip cannot reach is refused before anything is pulsed.
    """
    if target is None:  # with --settings there need be none
        raise click.UsageError("Missing argument 'TARGET'.")
    given = settings if tolerance is None else (*settings, f"tolerance={tolerance}")
    given = given if load is None else (*given, f"load={load}")
    file = None if config_file is None else read_config(config_file)
    document = program_target(
        target,
        url,
        configure(ProgramKind, "", file, given, boards=[url]),
        region,
        out=out,
        watch=lambda step: _show(step, quiet=quiet),
        labels=labels,
    )
    with named_in_errors(Path(document["run"])):
        tell(document, as_json, _words)


def resume_and_report(path: Path, *, as_json: bool, quiet: bool, **vouched: bool) -> None:
    """Finish the programming of a file, and tell as `memlab program` does."""
    document = resume_program(path, watch=lambda step: _show(step, quiet=quiet), **vouched)
    if document is None:
        report_finished(path, as_json)
    else:
        tell(document, as_json, _words)


def _words(document: dict[str, Any]) -> list[str]:
    return [
        *cells_reached(document),
        f"load     {document['load']['words']}",
        f"run file {document['run']}",
        f"picture  {document['figure']}",
    ]


def _show(step: Round, *, quiet: bool) -> None:
    """Say after a read how far it is, on stderr."""
    if not quiet:
        print(
            f"{step.done} done, {step.failed} given up, median deviation "
            f"{1e6 * step.median_error:.2f} uS; {step.set} SETs and {step.reset} RESETs follow",
            file=sys.stderr,
            flush=True,
        )
