"""What the experiments with digits cost: seconds and memory of full runs on two idle cores.

Seconds of processor time are printed beside those of the clock: on a busy machine only the latter
grow.
"""

import os
import resource
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

EVERYTHING = "pt-taox-ta-full"
"""Every effect of chip and board, 11 % of the cells do not respond."""


@pytest.mark.parametrize(
    ("name", "chip", "seconds"),
    [
        ("mnist-cnn", "ideal", 120.0),
        ("mnist-cnn", EVERYTHING, 240.0),
        ("mnist-sequence", "ideal", 60.0),
        ("mnist-sequence", EVERYTHING, 60.0),
    ],
)
def test_two_epochs_bit_accurate_are_fast_enough(
    name: str, chip: str, seconds: float, tmp_path: Path
) -> None:
    plan = make_plan(
        name,
        preset="memlab",
        settings=[f"chip={chip}", f"data.path={DATA}", "log.level=epochs"],
        out=tmp_path / "run.h5",
    )
    before = os.times()
    with warnings.catch_warnings():
        # A cell that is stuck on may clip a reading; here only the time counts.
        warnings.simplefilter("ignore", SaturationWarning)
        document = run(plan)
    used = os.times().user - before.user
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"\n{name} on {chip}: {document['seconds']:.0f} s, {used:.0f} s of processor time, "
        f"at most {peak:.2f} GB"
    )
    assert document["seconds"] < seconds
    assert peak < 1.0
