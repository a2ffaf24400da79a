"""A setting may be given with its unit, and one that cannot be is refused with what it takes."""

from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field
from support.command import in_process

from memlab.array.urls import chip_of_url
from memlab.chip.limit_changes import read_limits
from memlab.emulator import load_preset
from memlab.errors import SettingError
from memlab.setting_units import Seconds, Siemens, Unitless, in_unit
from memlab.setting_values import with_unit
from memlab.settings import Section, apply_settings, merge_settings


class Inner(Section):
    """Settings below others."""

    width: Seconds = Field(1e-6, description="Of a pulse.", gt=0)
    steps: Annotated[tuple[float, ...], in_unit("V")] = Field(
        (1.0, 2.0), description="Of a ramp.", min_length=1
    )


class Outer(Section):
    """Settings of the tests."""

    noise: Siemens = Field(0.0, description="Of a SET.", ge=0)
    wire: Annotated[float | None, in_unit("ohm")] = Field(
        None, description="Of a segment.", ge=0, le=1e3
    )
    rate: Unitless = Field(0.1, description="Of learning.", gt=0)
    count: int = Field(4, description="Of cells.", ge=1)
    on: bool = Field(True, description="A switch.")
    inner: Inner = Inner()


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("5uS", "S", 5e-6),
        ("5 uS", "S", 5e-6),
        ("5\N{MICRO SIGN}S", "S", 5e-6),
        ("5\N{GREEK SMALL LETTER MU}S", "S", 5e-6),
        ("1.4V", "V", 1.4),
        ("-1.4V", "V", -1.4),
        ("+.5e3mV", "V", 0.5),
        ("100ns", "s", 1e-7),
        ("5ms", "s", 5e-3),
        ("0.3ohm", "ohm", 0.3),
        ("2kohm", "ohm", 2e3),
        ("2k\N{OHM SIGN}", "ohm", 2e3),
        ("2M\N{GREEK CAPITAL LETTER OMEGA}", "ohm", 2e6),
        ("921.6kbit/s", "bit/s", 921600.0),
        ("98uS/V", "S/V", 98e-6),
        ("3pJ", "J", 3e-12),
    ],
)
def test_a_number_with_its_unit_is_the_number_to_the_last_bit(
    text: str, unit: str, value: float
) -> None:
    assert with_unit(text, unit) == value


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("5uV", "S"),
        ("5u", "S"),
        ("uS", "S"),
        ("5uuS", "S"),
        ("5", "S"),
        ("five S", "S"),
        ("5xS", "S"),
        ("5us", "S"),
        ("nanS", "S"),
        ("infS", "S"),
        ("1e999S", "S"),
        ("5m1", "1"),
        ("5S", "1"),
        ("", "S"),
        ("1e-400uS", "S"),
        ("\u0663uS", "S"),  # a digit, but not one of ASCII
    ],
)
def test_what_is_no_number_in_this_unit_is_none(text: str, unit: str) -> None:
    assert with_unit(text, unit) is None


def test_every_way_to_give_a_setting_takes_its_unit(tmp_path: Path) -> None:
    given = ["noise=5uS", "wire=0.3ohm", "inner.width=100ns", 'inner.steps=["500mV", 2]']
    config = apply_settings(Outer(), given)
    assert (config.noise, config.wire, config.inner.width) == (5e-6, 0.3, 1e-7)
    assert config.inner.steps == (0.5, 2.0)
    assert merge_settings(Outer(), {"inner": {"width": "2us"}}, "file").inner.width == 2e-6
    chip = load_preset("ideal").replace(noise="5uS", **{"wires.resistance": "0.3ohm"})
    assert (chip.noise, chip.wires.resistance) == (5e-6, 0.3)
    (tmp_path / "own.toml").write_text('[limits]\nset_voltage = "3600mV"\n')
    assert read_limits(tmp_path / "own.toml").set_voltage == 3.6
    named = chip_of_url("emulator:?chip=ideal&noise=5uS")
    assert named is not None
    assert named.noise == 5e-6


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("noise=5uV", "noise=5uV: that takes a number from 0, in S (5uS)"),
        ("noise=much", "noise=much: that takes a number from 0, in S (5uS)"),
        ("noise=-1e-6", "noise=-1e-06: that takes a number from 0, in S (5uS)"),
        ("noise=NaN", "noise=nan: that takes a number from 0, in S (5uS)"),
        ("wire=2kohm", "wire=2kohm: that takes a number from 0 up to 1000, or null for none, in"),
        ("rate=0", "rate=0: that takes a number above 0"),
        ("rate=5S", "rate=5S: that takes a number above 0"),
        ("count=2.5", "count=2.5: that takes a whole number from 1"),
        ("count=0", "count=0: that takes a whole number from 1"),
        ("count=two", "count=two: that takes a whole number from 1"),
        ("on=perhaps", "on=perhaps: that takes one of true, false"),
        ("inner.width=0", "inner.width=0: that takes a number above 0, in s (5us)"),
        ("inner.steps=[]", "inner.steps=[]: that takes a list of at least 1 numbers, in V"),
        ('inner.steps=["a"]', "inner.steps=['a']: that takes a list of at least 1 numbers, in V"),
        ("inner.steps=3", "inner.steps=3: that takes a list of at least 1 numbers, in V ([1, 2"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(setting: str, said: str) -> None:
    with pytest.raises(SettingError) as refused:
        apply_settings(Outer(), [setting])
    assert str(refused.value).startswith(f"--set {said}"), refused.value
    assert "Input" not in str(refused.value)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("train", "airline", "--set", "chip.noise=5uV"), "--set chip.noise=5uV: that takes a"),
        (("read", "--board", "emulator:?noise=5uV"), "noise: that takes a number from 0, in S"),
        (("sweep", "airline", "--set", "chip.noise=1uS,5uV"), "chip.noise=5uV: that takes a"),
        (("sweep", "airline", "--set", "chip.noise=0uS:5uV:3"), "0uS:5uV:3"),
        (("read", "--board", "emulator:?chip=wrong.toml"), "noise: that takes a number from 0, in"),
        (("read", "--limits", "limits.toml"), "set_voltage: that takes a number from 0, or null"),
        (("characterize", "staircase", "--config", "run.toml"), "steps: that takes a whole number"),
    ],
)
def test_commands_say_it_in_one_line(
    words: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("wrong.toml").write_text('extends = ["ideal"]\nnoise = "5uV"\n')
    Path("limits.toml").write_text('[limits]\nset_voltage = "high"\n')
    Path("run.toml").write_text('steps = "many"\n')
    code, _, talk = in_process(capsys, *words)
    (line,) = talk.splitlines()
    assert (code, said in line) == (2, True), line
    assert "Input" not in line


def test_the_ends_of_a_range_of_a_sweep_may_have_the_unit() -> None:
    from memlab.sweep import plan_sweep

    sweep = plan_sweep("airline", settings=["chip.noise=0uS:20uS:3"], seeds=1)
    (axis,) = sweep.grid.axes
    assert axis.values == (0.0, 10e-6, 20e-6)
    (listed,) = plan_sweep("airline", settings=["chip.noise=0,20uS"], seeds=1).grid.axes
    assert listed.values == (0.0, 20e-6)
