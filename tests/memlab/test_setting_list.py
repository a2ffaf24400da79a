"""Every setting of every kind of run, as users find it."""

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from memlab.calibrate.settings import CalibrationSettings
from memlab.characterize import PROCEDURES
from memlab.characterize.registry import load_procedure
from memlab.emulator import load_preset
from memlab.experiments import EXPERIMENTS
from memlab.operations import ProgramConfig
from memlab.setting_list import SettingRow, list_settings
from memlab.setting_units import Volts, in_unit
from memlab.settings import Section, apply_settings, setting_names

CONFIGURATIONS: dict[str, Any] = {
    **{
        f"{name}-{preset}": make
        for name, one in EXPERIMENTS.items()
        for preset, make in one.presets.items()
    },
    **{name: (lambda name=name: load_procedure(name).Config()) for name in PROCEDURES},
    "program": ProgramConfig,
    "calibrate": CalibrationSettings,
    "chip": lambda: load_preset("worst-case"),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_every_number_has_a_unit_and_every_setting_a_meaning_and_what_is_allowed(name: str) -> None:
    rows = list_settings(CONFIGURATIONS[name]())
    assert len(rows) > 3
    for row in rows:
        number = row.allowed.startswith(("number", "list", "whole"))
        assert row.unit or not number, f"{row.name} declares no unit"
        assert row.meaning.endswith((".", "?")), f"{row.name} says no meaning"
        assert row.allowed, f"{row.name} does not say what is allowed"


@pytest.mark.parametrize("name", [name for name in CONFIGURATIONS if name != "chip"])
def test_what_is_listed_is_what_can_be_set(name: str) -> None:
    config = CONFIGURATIONS[name]()
    listed = [row.name for row in list_settings(config)]
    assert sorted(listed) == sorted(setting_names(config))


class Inner(Section):
    voltage: Volts = Field(0.5, description="An amplitude.", gt=0, le=3)
    times: Annotated[tuple[float, ...], in_unit("s")] = Field(
        (1.0, 2.0), description="When.", min_length=2
    )
    limit: Annotated[float | None, in_unit("A")] = Field(None, description="A limit.", ge=0)


class Outer(Section):
    how: bool = Field(True, description="How.")
    inner: Inner = Inner()


def test_a_setting_says_default_value_unit_and_what_is_allowed() -> None:
    rows = list_settings(Outer(), apply_settings(Outer(), ["inner.voltage=2", "how=false"]))
    assert rows == [
        SettingRow("how", True, False, "", "How.", "true, false"),
        SettingRow("inner.voltage", 0.5, 2.0, "V", "An amplitude.", "number above 0 up to 3"),
        SettingRow(
            "inner.times", [1.0, 2.0], [1.0, 2.0], "s", "When.", "list of at least 2 numbers"
        ),
        SettingRow("inner.limit", None, None, "A", "A limit.", "number from 0, or null for none"),
    ]


def test_a_number_without_a_declaration_has_no_unit() -> None:
    class Careless(BaseModel):
        width: float = Field(1e-6, description="In s.")

    assert list_settings(Careless())[0].unit == ""
