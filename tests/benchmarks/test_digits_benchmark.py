"""What the experiments with digits cost on a chip with every effect: time and memory."""

import os
import resource
import statistics
import time
import warnings
from pathlib import Path

import pytest

from memlab.errors import SaturationWarning
from memlab.experiments import make_plan, run

DATA = Path(os.environ.get("MEMLAB_DATA", Path(__file__).parents[3] / "shared" / "data"))

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not (DATA / "mnist8x8.npz").exists(), reason="no MNIST; set MEMLAB_DATA"),
]

GAP = (
    "profile: 25 % slow noise, 15 % white noise and its gains, 15 % the chip as it has drifted, "
    "with its wires, 10 % lines with errors and cells that bend: the bare chip has none of them"
)

EVERYTHING = "pt-taox-ta-full"
"""Every effect of chip and board, 11 % of the cells do not respond."""


@pytest.mark.parametrize("name", ["mnist-cnn", "mnist-sequence"])
def test_the_memory_of_a_bit_accurate_training(name: str, tmp_path: Path) -> None:
    plan = make_plan(
        name,
        preset="memlab",
        epochs=1,
        settings=[
            *(f"chip={EVERYTHING}", f"data.path={DATA}", "log.level=epochs"),
            *("data.train=6000", "data.test=1000"),
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
    """Compare one epoch of 1,000 images on the chip with every effect and without, three times.

    It was 7.5 times as long.
    """
    seconds: dict[str, list[float]] = {"pt-taox-ta": [], EVERYTHING: []}
    for number in range(4):
        for chip, found in seconds.items():
            plan = make_plan(
                "mnist-cnn",
                preset="paper",
                epochs=1,
                settings=[f"chip={chip}", f"data.path={DATA}", "log.level=off", "data.train=1000"],
                out=tmp_path / f"{chip}{number}.h5",
            )
            start = time.process_time()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SaturationWarning)
                run(plan, figure=False)
            found.append(time.process_time() - start)
    ratio = statistics.median(
        full / bare for bare, full in zip(*(found[1:] for found in seconds.values()), strict=True)
    )
    speed("mnist-cnn full", ratio, limit=7.0, gap=GAP)
