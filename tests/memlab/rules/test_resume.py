"""With every update rule a training that was stopped goes on to the last bit."""

from pathlib import Path

import pytest
from support.stopped import StopAfter, assert_same

from memlab.experiments import Plan, make_plan, resume, run
from memlab.rules import rule_names
from memlab.runs import run_file

SETTINGS = (
    "network.units=3",
    "train.epochs=4",
    "mapping.set_all=false",
    "mapping.threshold=0.02",
    "mapping.gate_spread=0.1",
    "log.level=epochs",
)
STEPS = ("chip=passive-tiox", "chip.shape=24x16", "chip.wires.resistance=0", "update.step=3e-6")
OFF_DEFAULT = {
    "feedback-alignment": ("update.scale=0.7",),
    "forward-only": ("train.lr=0.05", "update.levels=3", "update.deepest=0.2"),
    "increments": STEPS,
    "mixed-precision": ("update.step=0.013", "update.keep=0.4"),
    "sign-threshold": ("update.step=0.03", "update.threshold=0.8"),
    "stochastic-rounding": ("update.step=0.03",),
    "tiki-taka": (*STEPS, "update.every=2", "update.alternate=2", "update.fast=30"),
    "write-verify": ("update.tolerance=2e-6", "update.attempts=2"),
}
BY_ERRORS_ONLY = ("feedback-alignment", "forward-only")


@pytest.fixture(autouse=True)
def checkpoint_after_each_update(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_file, "FLUSH_SECONDS", 0.0)


def plan_of(name: str, out: Path, board: str = "emulator:") -> Plan:
    settings = (*SETTINGS, f"update.rule={name}", *OFF_DEFAULT.get(name, ()))
    return make_plan("airline", preset="paper", board=board, seed=3, settings=settings, out=out)


@pytest.mark.parametrize(
    ("name", "board"),
    [
        *((name, "emulator:") for name in rule_names() if name != "one-shot"),
        *((name, "ideal:") for name in BY_ERRORS_ONLY),
    ],
)
def test_it_ends_as_one_that_nobody_stopped(name: str, board: str, tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole.h5", tmp_path / "broken.h5"
    wanted = run(plan_of(name, whole, board), figure=False)
    with pytest.raises(KeyboardInterrupt):
        run(plan_of(name, broken, board), [StopAfter(updates=2)], figure=False)
    found = resume(broken, figure=False)
    assert found is not None
    assert found["metrics"] == wanted["metrics"]
    assert found["counts"] == wanted["counts"]
    assert_same(broken, whole, but=("run_id",))
