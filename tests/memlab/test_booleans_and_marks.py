"""Files written by hand: `true` where a number belongs, and the mark at the start of a file."""

from collections.abc import Callable
from pathlib import Path

import pytest

from memlab.chip.limit_changes import LimitChanges, read_limits
from memlab.chip.limits import Limits, OperatingPoint
from memlab.emulator import load_preset
from memlab.emulator.preset import leaves, timing_settings
from memlab.errors import LimitError, SettingError
from memlab.experiments.kind import load_experiment
from memlab.session.config_file import configure, read_config
from memlab.settings import merge_settings

CHIP = 'extends = "ideal"\n'


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("noise = true", "noise"),
        ("[wires]\nresistance = true", "wires.resistance"),
        ("[relaxation]\ntimes = [true, 10.0]", "relaxation.times"),
        ("[board.timing]\ndac_word = true", "board.timing.dac_word"),
        ("[board.timing]\ndac_words_parallel = true", "board.timing.dac_words_parallel"),
        ("[limits]\nset_voltage = true", "limits.set_voltage"),
        ("[point]\nread_voltage = true", "point.read_voltage"),
        ("[budgets]\nset = true", "budgets.set"),
        ("[budgets]\nenergy = false", "budgets.energy"),
        ("[set]\nnoise_in_level = 1.5", "set.noise_in_level"),
    ],
)
def test_a_boolean_is_no_number_of_a_chip(text: str, name: str, tmp_path: Path) -> None:
    file = write(tmp_path / "chip.toml", f"{CHIP}{text}\n")
    with pytest.raises(SettingError, match=f"{name}.*that takes") as refused:
        load_preset(str(file))
    assert "\n" not in str(refused.value)


def test_a_boolean_is_one_where_the_field_is_one(tmp_path: Path) -> None:
    file = write(tmp_path / "chip.toml", f"{CHIP}[set]\nnoise_in_level = true\n")
    assert load_preset(str(file)).set.noise_in_level is True


def test_every_number_of_a_chip_refuses_one() -> None:
    preset = load_preset("worst-case")
    checked = 0
    for name, value in leaves(preset.model_dump()):
        numbers = isinstance(value, int | float | tuple) and not isinstance(value, bool)
        if numbers or name.partition(".")[0] in ("limits", "point", "budgets"):
            given = (True,) if isinstance(value, tuple) else True
            with pytest.raises(SettingError, match="that takes a"):
                preset.replace(**{name: given})
            checked += 1
    assert checked > 100


def test_settings_of_a_run_refuse_one(tmp_path: Path) -> None:
    kind = load_experiment("airline")
    for text in ("[train]\nlr = true", "[limits]\nset_voltage = true", "[point]\nset_width = true"):
        file = read_config(write(tmp_path / "c.toml", text))
        with pytest.raises(SettingError, match="that takes a number") as refused:
            configure(kind, file=file)
        assert "\n" not in str(refused.value)
    gait = load_experiment("gait").make_config("")
    config = merge_settings(gait, {"train": {"shuffle": False}}, "here")
    assert config.train.shuffle is False


def test_limits_refuse_one(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"set_voltage.*that takes a number"):
        read_limits(write(tmp_path / "l.toml", "[limits]\nset_voltage = true"))
    with pytest.raises(ValueError, match="set_voltage"):
        LimitChanges(set_voltage=True)
    with pytest.raises(LimitError, match="bool"):
        Limits(set_voltage=True).check()
    with pytest.raises(LimitError, match="bool"):
        Limits().check_point(OperatingPoint(set_voltage=True))


@pytest.mark.parametrize(
    "read",
    [
        lambda file: load_preset(str(file)).limits.set_voltage,
        lambda file: read_limits(file).set_voltage,
        lambda file: read_config(file).values["limits"]["set_voltage"],
    ],
)
def test_a_file_may_begin_with_a_byte_order_mark(
    read: Callable[[Path], float], tmp_path: Path
) -> None:
    file = tmp_path / "chip.toml"
    file.write_bytes(b"\xef\xbb\xbfextends = 'ideal'\r\n[limits]\r\nset_voltage = 3.5\r\n")
    assert read(file) == 3.5


def test_so_may_one_of_timing(tmp_path: Path) -> None:
    file = tmp_path / "board.toml"
    file.write_bytes(b"\xef\xbb\xbf[board.timing]\ndac_word = 1e-6\n")
    assert timing_settings(str(file)) == ["chip.board.timing.dac_word=1e-06"]


@pytest.mark.parametrize("limit", ["read_voltage", "set_voltage", "minimum_width"])
def test_minus_zero_is_zero_in_what_is_said(limit: str) -> None:
    limits = Limits(**{limit: -0.0})
    limits.check()
    assert "-0." not in repr(limits)
    with pytest.raises(LimitError) as refused:
        limits.check_point(OperatingPoint(read_voltage=0.1, set_width=1.0))
    assert "--" not in str(refused.value)
    assert "+-" not in str(refused.value)
    assert "outside -0..1" not in str(refused.value)
    assert "outside 0.." in str(refused.value) or limit == "read_voltage"
