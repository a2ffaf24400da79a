"""What is said of a name that does not exist."""

import pytest

from drivers.known_names import at_place, dotted_names, near_names
from memlab.characterize.staircase import StaircaseConfig
from memlab.emulator import load_preset
from memlab.errors import SettingError
from memlab.experiments.airline import PRESETS
from memlab.settings import apply_settings

VALUES = {"seed": 1, "train": {"lr": 0.1, "decay": 0.0, "log": {"level": 1}}, "chip": {"noise": 0}}


def test_names_of_all_levels_are_dotted() -> None:
    assert dotted_names(VALUES) == [
        "seed",
        "train.lr",
        "train.decay",
        "train.log.level",
        "chip.noise",
    ]


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("lr", ["train.lr"]),
        ("chip.lr", ["train.lr"]),
        ("sed", ["seed"]),
        ("train.decai", ["train.decay"]),
        ("noize", ["chip.noise"]),
        ("wrongkey", []),
    ],
)
def test_the_name_that_was_meant(asked: str, near: list[str]) -> None:
    assert near_names(asked, VALUES) == near


@pytest.mark.parametrize(
    ("asked", "there"),
    [
        ("wrongkey", "seed, train.*, chip.*"),
        ("train", "train.lr, train.decay, train.log.*"),
        ("train.x", "train.lr, train.decay, train.log.*"),
        ("train.log.x.y", "train.log.level"),
        ("seed.x", "seed, train.*, chip.*"),
    ],
)
def test_of_many_names_those_at_the_place_are_listed(asked: str, there: str) -> None:
    assert at_place(asked, VALUES) == there


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("wrongkey=1", "there are seed, method, "),
        ("wrongkey=1", "--set train=? lists the group train"),
        ("lr=1", "did you mean train.lr?"),
        ("chip.wires.resistanse=1", "did you mean chip.wires.resistance?"),
        ("chip.wires.resistanse=1", "there are chip.wires.resistance, "),
        ("chip.x=1", "memlab chip show NAME"),
        ("train=?", "set one of train.epochs, "),
        ("chip.board=?", "set one of chip.board.dac.*, "),
    ],
)
def test_a_wrong_setting_of_a_training_is_told_in_a_line_that_can_be_read(
    setting: str, says: str
) -> None:
    with pytest.raises(SettingError) as raised:
        apply_settings(PRESETS["memlab"](), [setting])
    assert says in str(raised.value)
    assert len(str(raised.value)) <= 600


def test_a_wrong_setting_of_a_procedure_lists_its_own() -> None:
    with pytest.raises(SettingError, match=r"there are .*\bsteps\b") as raised:
        apply_settings(StaircaseConfig(), ["wrongkey=1"])
    assert len(str(raised.value)) <= 600


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("wires.resistanse", "did you mean wires.resistance?"),
        ("resistance", "did you mean wires.resistance?"),
        ("nois", "did you mean noise?"),
        ("wires.x", "there are wires.resistance, "),
        ("wrongkey", "memlab chip show"),
    ],
)
def test_a_wrong_parameter_of_a_chip_is_told_in_a_line_that_can_be_read(
    name: str, says: str
) -> None:
    with pytest.raises(SettingError) as raised:
        load_preset("ideal").replace(**{name: 1.0})
    assert says in str(raised.value)
    assert len(str(raised.value)) <= 600
