"""What training costs, and what the log of it costs, as ratios within one run."""

import os
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.in_turn import ratios_in_turn
from support.speed_table import profiled
from threadpoolctl import threadpool_limits

from memlab.errors import SaturationWarning
from memlab.experiments import make_plan, run
from memlab.training import Observer

DATA = Path(os.environ.get("MEMLAB_DATA", Path(__file__).parents[3] / "shared" / "data"))

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]


class Updates(Observer):
    """Measures each update, with all that belongs to it, over what a call takes after it."""

    def __init__(self, base: Callable[[], object], calls: int) -> None:
        self._base, self._calls, self._begun = base, calls, 0.0
        self.ratios: list[float] = []

    def started(self, *_: Any) -> None:
        self._begun = time.process_time()

    def updated(self, *_: Any) -> None:
        middle = time.process_time()
        for _call in range(self._calls):
            self._base()
        end = time.process_time()
        self.ratios.append((middle - self._begun) / (end - middle) * self._calls)
        self._begun = time.process_time()


def updates_over_products(
    name: str, epochs: int, settings: Sequence[str], folder: Path, vectors: int, calls: int
) -> tuple[float, Callable[[], str]]:
    """Return the median of updates over numpy's products, and what profiles such a training."""

    def train(observers: Sequence[Observer] = ()) -> None:
        plan = make_plan(
            name,
            preset="paper",
            epochs=epochs,
            settings=["log.level=off", *settings],
            out=folder / f"{time.monotonic_ns()}.h5",
        )
        run(plan, observers, figure=False)

    volts, cells, out = np.ones((vectors, 128)), np.ones((128, 64)), np.empty((vectors, 64))
    if vectors == 1:
        volts, out = volts[0], out[0]
    updates = Updates(lambda: np.matmul(volts, cells, out=out), calls)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", SaturationWarning)
        train([updates])
        return statistics.median(updates.ratios[1:]), lambda: profiled(train, len(updates.ratios))


def test_an_airline_epoch(tmp_path: Path, speed) -> None:
    """Compare an epoch without a log with numpy's product of one vector, 150 times in turn."""
    found, profile = updates_over_products("airline", 150, [], tmp_path, 1, 1000)
    speed("airline epoch", found, limit=6000.0, gap=profile)


@pytest.mark.skipif(not (DATA / "mnist8x8.npz").exists(), reason="no MNIST; set MEMLAB_DATA")
def test_a_mnist_cnn_batch(tmp_path: Path, speed) -> None:
    """Compare an update by 100 images with numpy's product of 6,400 vectors, 60 times in turn."""
    settings = [f"data.path={DATA}", "data.train=6000", "data.test=100"]
    found, profile = updates_over_products("mnist-cnn", 1, settings, tmp_path, 6400, 3)
    speed("mnist-cnn batch", found, limit=8.0, gap=profile)


def processor_seconds(out: Path, level: str, epochs: int, board: str = "emulator:") -> float:
    plan = make_plan(
        "airline", board=board, epochs=epochs, out=out, settings=[f"log.level={level}"]
    )
    start = time.process_time()
    run(plan, figure=False)  # a picture is no log, and costs the same for 100 updates as for 800
    return time.process_time() - start


def log_level(level: str) -> list[str]:
    return [f"log.level={level}"]


def report(what: str, ratios: list[float]) -> float:
    median = statistics.median(ratios)
    print(
        f"\n{what}, processor time, in turn: median {median:.3f} of {len(ratios)} pairs, "
        f"range {min(ratios):.3f}..{max(ratios):.3f}"
    )
    return median


def test_the_full_log_of_airline(tmp_path: Path, speed) -> None:
    """Compare 600 airline updates with the full log and without, three times.

    A log is flushed once a second, which is more often for each update where others use the
    machine.
    """
    off, on = {"settings": log_level("off")}, {"settings": log_level("all")}
    found = report("full log / no log", ratios_in_turn(3, 600, tmp_path, off, on))
    gap = (
        "what is saved without it, of the run: 4 % if the codes of 192 vectors were not kept until "
        "the update (by then they have left the cache), 5 % if they were not packed and written, "
        "3 % the maps; 0.1 s are the beginning and the end of the file"
    )
    speed("airline log", found, limit=1.25, gap=gap)


def test_a_passport_costs_less_than_a_quarter(tmp_path: Path) -> None:
    """Compare 400 airline updates with a passport of the chip and without, seven times.

    10 % are wanted, and 14 % are measured. Each update pulses two matrices, of which each takes
    0.75 ms: 0.2 are the transaction that keeps it through a kill, 0.1 its volts, 0.1 their place in
    the file, 0.2 the sums of each cell, 0.03 the budgets. Alone and over again, which leaves all in
    the cache, the same takes a third of it.
    """
    off = {"settings": log_level("all")}
    on = {**off, "board": f"emulator:?passport={tmp_path}/chip.passport"}
    assert report("passport / no passport", ratios_in_turn(7, 400, tmp_path, off, on)) < 1.25


def test_the_emulated_chip_with_the_full_log_takes_less_than_three_times_the_software(
    tmp_path: Path,
) -> None:
    """Compare 200 airline updates with those of the float64 reference, in turn, five times."""
    processor_seconds(tmp_path / "warm-up.h5", "all", 5)
    ratios = []
    for pair in range(5):
        software = processor_seconds(tmp_path / f"ideal{pair}.h5", "off", 200, "ideal:")
        chip = processor_seconds(tmp_path / f"chip{pair}.h5", "all", 200)
        ratios.append(chip / software)
    ratio = statistics.median(ratios)
    print(f"\nchip with full log / software, processor time: median {ratio:.2f}")
    assert ratio < 3.0
