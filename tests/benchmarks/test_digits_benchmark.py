"""What the experiments with digits cost: seconds and memory of full runs on two idle cores."""

import os
import resource
from pathlib import Path

import pytest

from memlab.experiments import make_plan, run

DATA = Path(os.environ.get("MEMLAB_DATA", Path(__file__).parents[3] / "shared" / "data"))

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not (DATA / "mnist8x8.npz").exists(), reason="no MNIST; set MEMLAB_DATA"),
]


@pytest.mark.parametrize(("name", "seconds"), [("mnist-cnn", 120.0), ("mnist-sequence", 60.0)])
def test_two_epochs_bit_accurate_are_fast_enough(name: str, seconds: float, tmp_path: Path) -> None:
    plan = make_plan(
        name,
        preset="memlab",
        board="emulator:?chip=ideal",
        settings=[f"data.path={DATA}"],
        out=tmp_path / "run.h5",
    )
    before = os.times()
    document = run(plan)
    used = os.times().user - before.user
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"\n{name}: {document['seconds']:.0f} s, {used:.0f} s of processor time, {peak:.2f} GB")
    assert document["seconds"] < seconds
    assert peak < 1.0
