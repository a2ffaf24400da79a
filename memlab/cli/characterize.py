"""`memlab characterize`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from memlab.characterize import Region, plan_procedures, run_procedures
from memlab.cli import options
from memlab.cli.kind_names import KindCommand, KindName
from memlab.cli.procedures import report, watch_readings
from memlab.cli.setting_options import config_option, set_option, setting_options
from memlab.kinds import Family


@click.command(cls=KindCommand, families=(Family.PROCEDURE,))
@click.argument(
    "names", nargs=-1, required=True, metavar="NAME...", type=KindName(Family.PROCEDURE)
)
@options.board_option
@options.region_options
@options.load_option
@click.option("--seed", type=options.SEED, help="Seed of the emulated chip.  [default: 1]")
@options.out_option(
    "Run file; with several procedures a directory.  [default: memlab-runs/NAME-...h5]",
    click.Path(path_type=Path),
    "PATH",
)
@setting_options(set_option("gate_maximum=2.0 or chip.noise=0"), config_option)
@options.label_options
@options.json_option
@options.quiet_option
def characterize(
    names: tuple[str, ...],
    url: str,
    region: Region,
    load: str | None,
    settings: tuple[str, ...],
    as_json: bool,
    quiet: bool,
    **wanted: Any,
) -> None:
    """Measure what a chip is, one procedure after the other on the same board.

    Each writes an HDF5 run file and a picture; whatever stops it, `memlab runs resume FILE` goes
    on without pulsing anything again. Cells outside the region given by --rows, --columns, --cells
    and --mask are not pulsed; their rows float while others are read, and their gates are closed,
    unless --load says otherwise.
    """
    settings = settings if load is None else (f"load={load}", *settings)
    plans = plan_procedures(names, board=url, settings=settings, **wanted)
    with watch_readings(quiet) as watch:
        documents = run_procedures(plans, url, region, watch=watch)
    report(documents, as_json)
