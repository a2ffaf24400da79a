"""`memlab board bench`."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import rich_click as click

from memlab.array.urls import open_board_array
from memlab.chip.limit_changes import LimitChanges
from memlab.cli.command import Command
from memlab.cli.options import SEED, board_option, json_option, limits_option
from memlab.cli.streams import tell
from memlab.operations.speed import BENCH_UNITS, run_bench


@click.command(cls=Command)
@board_option
@click.option(
    "--vectors", type=click.IntRange(min=1), default=6400, show_default=True, help="Batch size."
)
@click.option(
    "--calls",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    help="Calls with one vector, for the latency.",
)
@click.option("--seed", type=SEED, default=0, help="Seed of the vectors.")
@limits_option
@json_option
def bench(
    url: str, vectors: int, calls: int, seed: int, limits: LimitChanges | None, as_json: bool
) -> None:
    """Measure goodput, VMM per second and latency of a board; only reads."""
    with open_board_array(url, limits=limits) as array:
        result = run_bench(array, np.random.default_rng(seed), vectors=vectors, calls=calls)
        rows, columns = array.shape
    document = {"board": url, **asdict(result), "units": BENCH_UNITS}
    lines = [
        f"{result.vmm_per_second:12,.0f} VMM/s in one batch of {result.vectors} vectors",
        f"{result.goodput / 1e6:12.2f} MB/s of codes, both directions together",
        f"{result.latency_median * 1e6:12,.0f} us for one vector, median of {result.calls} calls "
        f"(99 %: {result.latency_p99 * 1e6:,.0f} us)",
        f"{result.map_seconds * 1e3:12.1f} ms for one conductance map of {rows} x {columns} cells",
    ]
    if result.echo_goodput is not None:
        lines.append(f"{result.echo_goodput / 1e6:12.2f} MB/s through the bare link (ECHO)")
    if result.bytes_up is not None:
        lines.append(f"{result.bytes_up:12,} B up, {result.bytes_down:,} B down for the batch")
    tell(document, as_json, lambda _: lines)
