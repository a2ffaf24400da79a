"""`--config`: a run is repeated from its file, and settings come from TOML, checked as a whole."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from memlab.cli import cli
from memlab.errors import SettingError
from memlab.experiments import make_plan

TRAIN = ["train", "airline", "--quiet"]


def losses(path: Path) -> np.ndarray:
    with h5py.File(path) as file:
        found: np.ndarray = file["entry/training/loss"][()]
    return found


def test_a_run_is_repeated_from_its_file(tmp_path: Path) -> None:
    first, second = tmp_path / "first.h5", tmp_path / "second.h5"
    changes = [
        "--preset",
        "paper",
        "--seed",
        "6",
        "--set",
        "train.lr=0.03",
        "--set",
        "chip.noise=1e-6",
    ]
    done = CliRunner().invoke(cli, [*TRAIN, *changes, "--epochs", "4", "--out", str(first)])
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(cli, [*TRAIN, "--config", str(first), "--out", str(second)])
    assert done.exit_code == 0, done.output
    assert np.array_equal(losses(first), losses(second))
    plan = make_plan("airline", config_file=first)
    assert (plan.preset, plan.config.seed, plan.config.train.lr) == ("paper", 6, 0.03)


def test_a_setting_given_beside_it_wins(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('seed = 4\nchip = "ideal"\n[train]\nlr = 0.02\nepochs = 7\n')
    plan = make_plan("airline", config_file=file, settings=["train.lr=0.05"], epochs=9)
    assert (plan.config.seed, plan.config.train.lr, plan.config.train.epochs) == (4, 0.05, 9)
    assert plan.config.chip.name == "ideal"
    assert plan.preset == "memlab"
    assert plan.config.train.momentum == make_plan("airline").config.train.momentum


def test_settings_are_checked_together_and_not_one_after_the_other(tmp_path: Path) -> None:
    file = tmp_path / "gates.toml"
    # Each of these alone would break gate_minimum <= gate_initial <= gate_maximum of the preset.
    file.write_text("[mapping]\ngate_minimum = 1.7\ngate_initial = 1.8\ngate_maximum = 2.0\n")
    mapping = make_plan("airline", config_file=file).config.mapping
    assert (mapping.gate_minimum, mapping.gate_initial, mapping.gate_maximum) == (1.7, 1.8, 2.0)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[train]\nlearning_rate = 1\n", "train.learning_rate"),
        ("[train]\nlr = -1\n", "train.lr: that takes a number above 0"),
        ("train = 3\n", "a group"),
        ("[mapping]\ngate_minimum = 3.0\n", "gate_minimum <= gate_initial"),
        ("nonsense", "neither a run file nor TOML"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(text: str, word: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(SettingError, match=word) as error:
        make_plan("airline", config_file=file)
    assert "\n" not in str(error.value)
    assert "mine.toml" in str(error.value)


def test_a_run_of_another_kind_is_refused(tmp_path: Path) -> None:
    run = tmp_path / "run.h5"
    steps = ["characterize", "staircase", "--rows", "0:2", "--set", "steps=2", "--out", str(run)]
    assert CliRunner().invoke(cli, steps).exit_code == 0
    with pytest.raises(SettingError, match="a run of staircase, not of airline"):
        make_plan("airline", config_file=run)
