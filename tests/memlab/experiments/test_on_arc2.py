"""The airline LSTM on arrays of 32 x 32: what an ArC TWO has, over a stand-in for pyarc2."""

from pathlib import Path

import pytest
from support.arc2 import plug_in_several

from memlab.experiments import make_plan, run


def test_airline_trains_on_several_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "state"))
    fakes, urls = plug_in_several(monkeypatch, tmp_path, 3)
    plan = make_plan(
        "airline",
        board=urls,
        settings=["network.placement=automatic", "train.epochs=3"],
        out=tmp_path / "run.h5",
    )
    document = run(plan)
    assert document["metrics"]["train_rmse"] < 100.0  # passengers; they are 112 to 622
    pulses = [pulse for fake in fakes for pulse in fake.pulses]
    cells = {sign: sum(len(p[1]) for p in pulses if p[2] * sign > 0) for sign in (1, -1)}
    counts = document["counts"]
    assert (counts["set"], counts["reset"]) == (cells[1], cells[-1])
    for fake in fakes:
        assert fake.pulses
        assert fake.idle
