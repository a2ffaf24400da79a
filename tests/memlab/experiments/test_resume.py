"""A training that ended too early goes on as if it had not, on an emulator to the last bit."""

import json
from pathlib import Path

import pytest
from support.stopped import StopAfter, assert_same

from memlab.experiments import Plan, make_plan, resume, run
from memlab.runs import open_run, run_file
from memlab.runs.checkpoint_places import places_in

SMALL = ("network.units=3",)
CASES = {
    "memlab": ("airline", "memlab", (*SMALL, "train.epochs=6")),
    "all effects": ("airline", "memlab", (*SMALL, "train.epochs=6", "chip=worst-case")),
    "rmsprop": ("airline", "paper", (*SMALL, "train.epochs=6", "train.optimizer=rmsprop")),
    "adam": ("airline", "paper", (*SMALL, "train.epochs=6", "train.optimizer=adam")),
    "threshold": (
        "airline",
        "paper",
        (
            *SMALL,
            "train.epochs=7",
            "mapping.set_all=false",
            "mapping.threshold=0.02",
            "mapping.gate_spread=0.1",
            "log.level=epochs",
        ),
    ),
    "restarts": (
        "airline",
        "memlab",
        (*SMALL, "train.epochs=3", "train.restarts=2", "train.restart_after=2"),
    ),
    "layer by layer": (
        "airline",
        "memlab",
        (*SMALL, "train.epochs=3", "transfer.tuning_epochs=3", "method=layer-by-layer"),
    ),
    "noise aware": (
        "airline",
        "memlab",
        (*SMALL, "train.epochs=6", "transfer.noise_aware=1", "method=ex-situ"),
    ),
    "slices": (
        "airline",
        "memlab",
        (
            *SMALL,
            "train.epochs=6",
            "network.placement=automatic",
            "mapping.slices=2",
            "mapping.trained_slice=1",
            "mapping.carry_every=3",
        ),
    ),
    "no maps": ("airline-window", "memlab", ("network.units=2", "train.epochs=6", "log.level=off")),
}


@pytest.fixture(autouse=True)
def checkpoint_after_each_update(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_file, "FLUSH_SECONDS", 0.0)


STOPS = {
    "at the first update": lambda: StopAfter(updates=0),
    "after an update": lambda: StopAfter(updates=3),
    "after an epoch": lambda: StopAfter(epochs=2),
}


@pytest.mark.filterwarnings("ignore::memlab.errors.SaturationWarning")  # of a bad chip
@pytest.mark.parametrize(
    ("name", "board", "stop"),
    [
        ("all effects", "emulator:", "after an epoch"),
        ("adam", "ideal:", "after an update"),
        ("threshold", "emulator:", "after an update"),
        ("restarts", "emulator:", "after an update"),
        ("layer by layer", "emulator:", "after an update"),
        pytest.param("noise aware", "emulator:", "after an update", marks=pytest.mark.slow),
        pytest.param("slices", "emulator:", "after an update", marks=pytest.mark.slow),
        pytest.param("memlab", "emulator:", "after an update", marks=pytest.mark.slow),
        pytest.param("memlab", "ideal:", "after an epoch", marks=pytest.mark.slow),
        pytest.param("rmsprop", "emulator:", "at the first update", marks=pytest.mark.slow),
        pytest.param("restarts", "ideal:", "after an epoch", marks=pytest.mark.slow),
        pytest.param("no maps", "emulator:", "after an epoch", marks=pytest.mark.slow),
    ],
)
def test_it_ends_as_one_that_nobody_stopped(
    name: str, board: str, stop: str, tmp_path: Path
) -> None:
    whole, broken = tmp_path / "whole.h5", tmp_path / "broken.h5"
    experiment, preset, settings = CASES[name]

    def plan(out: Path) -> Plan:
        return make_plan(experiment, preset=preset, board=board, seed=3, settings=settings, out=out)

    wanted = run(plan(whole), figure=False)
    with pytest.raises(KeyboardInterrupt) as caught:
        run(plan(broken), [STOPS[stop]()], figure=False)
    assert caught.value.resumable == broken  # type: ignore[attr-defined]
    assert open_run(broken).status == "interrupted"
    with pytest.raises(KeyboardInterrupt):  # and once more
        resume(broken, [StopAfter(updates=4)], figure=False)
    found = resume(broken, figure=False)
    assert found is not None
    for part in ("metrics", "counts", "on_board"):
        assert found.get(part) == wanted.get(part)
    assert_same(broken, whole)
    assert len(json.loads(open_run(broken).attributes["resumptions"])) == 2
    assert list(tmp_path.glob(".*")) == []
    assert resume(broken, figure=False) is None
    # A kill in the very last moment leaves checkpoints of a run that is finished.
    identity = open_run(broken).run_id
    for left in places_in(broken.parent, identity):
        left.write_bytes(b"of before")
    assert resume(broken, figure=False) is None
    assert not any(left.exists() for left in places_in(broken.parent, identity))
