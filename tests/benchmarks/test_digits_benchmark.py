"""What the experiments with digits cost on a chip with every effect: time and memory."""

import os
import resource
import time
import warnings
from functools import partial
from pathlib import Path

import pytest
from support.speed_table import paired, profiled

from memlab.errors import SaturationWarning
from memlab.experiments import make_plan, run

DATA = Path(os.environ.get("MEMLAB_DATA", Path(__file__).parents[3] / "shared" / "data"))

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not (DATA / "mnist8x8.npz").exists(), reason="no MNIST; set MEMLAB_DATA"),
]

EVERYTHING = "pt-taox-ta-full"
"""Every effect of chip and board, 11 % of the cells do not respond."""

LADDER = (
    "a batch of 100 takes 74 ms for 16 bare; without slow noise it is 59 (2,300 chips of a "
    "millisecond), without drift 59 (30 stretches with matrices of their own), without wires 60 (9 "
    "solutions of 36 x 15 to 120 x 8 cells, updates), without noise of cells and board 64, without "
    "errors of lines 69, without bending 70: arrays are small, and what is left of each is the "
    "calls of numpy, not arithmetic; the goal leaves 13 ms for all of it"
)
"""Thread times, medians of three, one effect switched off at a time."""


@pytest.mark.parametrize("name", ["mnist-cnn", "mnist-sequence"])
def test_the_memory_of_a_bit_accurate_training(name: str, tmp_path: Path) -> None:
    plan = make_plan(
        name,
        preset="memlab",
        epochs=1,
        settings=[
            *(f"chip={EVERYTHING}", f"data.path={DATA}", "log.level=epochs"),
            *("data.train=6000", "data.test=100"),
        ],
        out=tmp_path / "run.h5",
    )
    before = time.process_time()
    with warnings.catch_warnings():
        # A cell that is stuck on may clip a reading; here only the time counts.
        warnings.simplefilter("ignore", SaturationWarning)
        run(plan, figure=False)
    used = (time.process_time() - before) / 6000
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"\n{name}: {used * 1e3:.2f} ms an image, at most {peak:.2f} GB in all")
    assert peak < 1.0


def test_every_effect_against_none(tmp_path: Path, speed) -> None:
    """Compare one epoch of 3,000 images on the chip with every effect and without, three times."""
    images = 3000

    def train(chip: str) -> None:
        plan = make_plan(
            "mnist-cnn",
            preset="paper",
            epochs=1,
            settings=[
                *(f"chip={chip}", f"data.path={DATA}", "log.level=off"),
                *(f"data.train={images}", "data.test=100"),
            ],
            out=tmp_path / f"{time.monotonic_ns()}.h5",
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SaturationWarning)
            run(plan, figure=False)

    train("pt-taox-ta")  # imports, and what is kept
    ratio = paired(lambda: train(EVERYTHING), lambda: train("pt-taox-ta"), 3)
    profile = partial(profiled, partial(train, EVERYTHING), images)
    speed("mnist-cnn full", ratio, limit=5.3, gap=lambda: f"{LADDER}; {profile()}")
