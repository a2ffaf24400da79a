"""Who names no preset gets our recipe, and what was begun with another goes on with that one."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from support.command import in_process

from memlab.errors import SettingError
from memlab.experiments import EXPERIMENTS, make_plan
from memlab.nn import Adam
from memlab.sweep import plan_sweep


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_default_is_our_recipe_where_there_is_one(name: str) -> None:
    presets = EXPERIMENTS[name].presets
    others = "paper" if "paper" in presets else next(iter(presets))  # a preset for each data set
    assert make_plan(name).preset == ("memlab" if "memlab" in presets else others)
    assert all(one.about for one in presets.values())


def test_every_experiment_can_be_trained_with_adam_and_its_constants() -> None:
    settings = ["train.optimizer=adam", "train.beta1=0.5", "train.beta2=0.75", "train.lr=0.01"]
    for name in EXPERIMENTS:
        adam = make_plan(name, settings=settings).config.train.make_optimizer()
        assert isinstance(adam, Adam)
        # m = 1, v = 1, by 0.5 and 0.25: the first step is the rate; then m = 0.
        steps = [float(adam.step("w", np.array([g]))[0]) for g in (2.0, -1.0)]
        assert steps == pytest.approx([-0.01, 0.0], rel=1e-6, abs=1e-15)


def test_a_training_says_in_one_line_which_recipe_it_has_and_which_others_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--epochs", "1", "--out", str(tmp_path / "run.h5")]
    code, _, said = in_process(capsys, "train", "airline", *out)
    assert code == 0
    lines = [line for line in said.splitlines() if "preset memlab" in line]
    assert len(lines) == 1
    assert "beats persistence" in lines[0]
    assert "--preset paper: the published recipe" in lines[0]


def train(tmp_path: Path, capsys: pytest.CaptureFixture[str], *more: str) -> Path:
    run = tmp_path / "ideal.h5"
    arguments = ["train", "airline", "--board", "ideal:", "--epochs", "2", "--out", str(run)]
    assert in_process(capsys, *arguments, *more)[0] == 0
    return run


def test_a_transfer_has_the_preset_of_the_run_that_it_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train(tmp_path, capsys, "--preset", "paper")
    settings = ["method=ex-situ", f"transfer.source={run}"]
    assert make_plan("airline", settings=settings).preset == "paper"
    assert make_plan("airline", preset="memlab", settings=settings).preset == "memlab"
    with h5py.File(run, "r+") as file:
        del file["entry"].attrs["preset"]
    # What does not say its preset was made when there was but one default.
    assert make_plan("airline", settings=settings).preset == "paper"
    (tmp_path / "no.h5").write_bytes(b"no run file")
    with pytest.raises(SettingError):
        make_plan("airline", settings=["method=ex-situ", f"transfer.source={tmp_path}/no.h5"])


@pytest.mark.parametrize(
    ("named", "recorded"),
    [
        pytest.param(True, True, id="--out"),
        pytest.param(False, False, id="default directory, no preset recorded"),
        pytest.param(True, False, id="--out, no preset recorded", marks=pytest.mark.slow),
        pytest.param(False, True, id="default directory", marks=pytest.mark.slow),
    ],
)
def test_a_sweep_goes_on_with_the_preset_it_was_begun_with(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    named: bool,
    recorded: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert plan_sweep("airline").preset == "memlab"
    out = Path("other") if named else None
    place = out or Path("memlab-runs/sweep-airline-paper")
    (place / "trials").mkdir(parents=True)
    (place / "trials/torn.h5").write_bytes(b"killed")
    run = train(tmp_path, capsys, "--preset", "paper")
    if not recorded:
        with h5py.File(run, "r+") as file:
            del file["entry"].attrs["preset"]
    run.rename(place / "trials/whole.h5")
    sweep = plan_sweep("airline", out=out)
    assert (sweep.preset, sweep.directory) == ("paper", place)
    assert plan_sweep("airline", preset="memlab", out=out).preset == "memlab"
