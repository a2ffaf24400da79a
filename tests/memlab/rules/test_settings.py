"""An update rule is chosen by name, comes with its own settings, and is told in runs."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.any_run import type_in
from support.outside import install, installed

import memlab
from memlab.errors import SettingError
from memlab.experiments import make_plan, run
from memlab.experiments.airline import PRESETS as AIRLINE
from memlab.nn import layers
from memlab.rules import as_rule, load_rule, rule_names
from memlab.rules import settings as rules
from memlab.rules.one_shot import OneShot
from memlab.runs import open_run
from memlab.setting_list import list_settings
from memlab.settings import apply_settings, merge_settings, setting_names

MODULE = '''
import numpy as np
from pydantic import Field

from memlab.mapping import MappingConfig, ProgrammedUpdate, UpdateRule
from memlab.rules import RuleName, RuleSettings, named
from memlab.setting_units import Unitless, Volts


class FixedStep(UpdateRule):
    """One SET where a cell must rise, one RESET where it must fall, whatever the size."""

    def __init__(self, gate):
        self.gate = gate

    def initialise(self, array):
        return self.change(array, np.full(array.shape, -1.0))

    def change(self, array, conductance_change):
        gate = np.full(array.shape, self.gate)
        reset = conductance_change < 0.0
        array.program(gate, reset=reset, set=conductance_change != 0.0)
        return ProgrammedUpdate(gate, reset)


class Fixed(RuleSettings):
    """One gate voltage for all."""

    rule: RuleName = named("fixed")
    gate: Volts = Field(1.2, description="Of every SET.", gt=0, le=2)
    parts: Unitless = Field(0.5, description="Nothing.", ge=0)

    def make(self, mapping: MappingConfig, rng: np.random.Generator) -> FixedStep:
        return FixedStep(self.gate)


class Other(RuleSettings):
    """Another rule, with a setting of the same name."""

    rule: RuleName = named("other")
    parts: Unitless = Field(0.25, description="Nothing.", ge=0)

    def make(self, mapping, rng):
        return FixedStep(1.0)
'''
NAMES = {"fixed": "Fixed", "other": "Other", "misnamed": "Other", "no-rule": "FixedStep"}
SMALL = ("network.units=2", "train.epochs=1")


@pytest.fixture(autouse=True)
def others(tmp_path: Path) -> Iterator[None]:
    module = tmp_path / "my_rules.py"
    module.write_text(MODULE)
    install(tmp_path / "site", "my-rules", module, "rules", NAMES, group="memlab.")
    with installed(tmp_path / "site"):
        yield


def test_the_default_is_the_published_rule_and_it_is_among_the_names() -> None:
    config = AIRLINE["memlab"]()
    assert config.update == OneShot()
    assert {"one-shot", "fixed"} <= set(rule_names())
    rule = config.update.make(config.mapping, np.random.default_rng(1))
    assert type(rule) is type(config.mapping.make_rule(np.random.default_rng(1)))


def test_the_default_needs_no_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "find_points", lambda groups: {})
    rules._points.cache_clear()
    config = apply_settings(AIRLINE["memlab"](), ["train.epochs=7", "update.rule=one-shot"])
    assert config.update == OneShot()
    assert rule_names() == ["one-shot"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_settings_of_a_rule_are_given_in_any_order(order: tuple[int, int]) -> None:
    asked = ["update.rule=fixed", "update.gate=1.5"]
    update = apply_settings(AIRLINE["memlab"](), [asked[k] for k in order]).update
    assert update.model_dump() == {"rule": "fixed", "gate": 1.5, "parts": 0.5}


def test_another_rule_comes_with_its_own_defaults_and_the_same_one_keeps_what_was_set() -> None:
    config = apply_settings(AIRLINE["memlab"](), ["update.rule=fixed", "update.parts=2"])
    assert apply_settings(config, ["update.rule=fixed"]).update.parts == 2
    assert apply_settings(config, ["update.rule=other"]).update.parts == 0.25


def test_a_file_changes_rule_and_settings_together() -> None:
    values = {"update": {"parts": 3.0, "rule": "other"}, "train": {"epochs": 7}}
    config = merge_settings(AIRLINE["memlab"](), values, "file")
    assert config.update.model_dump() == {"rule": "other", "parts": 3.0}
    assert config.train.epochs == 7
    kept = merge_settings(config, {"update": {"parts": 4.0}}, "file")
    assert kept.update.model_dump() == {"rule": "other", "parts": 4.0}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (["update.rule=fixd"], "unknown update rule 'fixd'; did you mean fixed"),
        (["update.rule=fixed", "update.gat=1"], "did you mean update.gate?"),
        (["update.rule=fixed", "update.gate=3"], "gate: that takes a number above 0 up to 2"),
        (["update.gate=1"], "there are update.rule"),
        (["update.rule=misnamed"], "calls itself other"),
        (["update.rule=no-rule"], "must be a class of memlab.rules.RuleSettings"),
        (["update=fixed"], "that is a group; set one of update.rule"),
        (["update.rule=3"], "names no update rule"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(settings: list[str], says: str) -> None:
    with pytest.raises(SettingError) as raised:
        apply_settings(AIRLINE["memlab"](), settings)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_rule_that_a_file_names_and_nobody_brings_is_told_with_the_file() -> None:
    with pytest.raises(SettingError, match=r"my\.toml.*unknown update rule 'gone'"):
        merge_settings(AIRLINE["memlab"](), {"update": {"rule": "gone"}}, "my.toml")


def test_the_settings_of_the_chosen_rule_are_listed() -> None:
    default = AIRLINE["memlab"]()
    now = apply_settings(default, ["update.gate=1.5", "update.rule=fixed"])
    rows = {row.name: row for row in list_settings(default, now)}
    assert sorted(rows) == sorted(setting_names(now))
    assert (rows["update.rule"].default, rows["update.rule"].value) == ("one-shot", "fixed")
    assert {"one-shot", "fixed"} <= set(rows["update.rule"].allowed.split(", "))
    gate = rows["update.gate"]
    assert (gate.default, gate.value, gate.unit) == (1.2, 1.5, "V")
    assert gate.allowed == "number above 0 up to 2"


def test_a_run_tells_its_rule_is_repeated_compared_and_swept(tmp_path: Path) -> None:
    one, two = tmp_path / "one.h5", tmp_path / "two.h5"
    small = [word for setting in SMALL for word in ("--set", setting)]
    fixed = ("--set", "update.gate=1.1", "--set", "update.rule=fixed")
    end = ("--json", "--quiet")
    type_in("train", "airline", *small, *fixed, "--out", str(one), *end)
    said = json.loads(type_in("train", "airline", "--config", str(one), "--out", str(two), *end))
    assert open_run(one).settings["update"] == {"rule": "fixed", "gate": 1.1, "parts": 0.5}
    assert open_run(two).settings["update"] == open_run(one).settings["update"]
    assert said["counts"]["set"] == open_run(one).counts["set"]
    other = tmp_path / "other.h5"
    type_in("train", "airline", *small, "--out", str(other), *end)
    assert "update.rule" in type_in("runs", "diff", str(one), str(other))
    listed = type_in("train", "airline", *fixed, "--settings")
    assert "update.gate" in listed
    bill = json.loads(type_in("estimate", "airline", *small, *fixed, "--json"))
    assert bill["counts"]["set"] > 0
    swept = ("--set", "update.rule=one-shot,fixed", "--seeds", "1", "--workers", "1")
    words = ("sweep", "airline", *small, *swept, "--out", str(tmp_path / "sweep"), "--json")
    document = json.loads(type_in(*words))
    assert (document["failed"], len(list((tmp_path / "sweep").rglob("*.h5")))) == ([], 2)


def test_a_rule_that_starts_from_no_given_weights_says_so_before_anything_is_made(
    tmp_path: Path,
) -> None:
    weights, out = tmp_path / "w.npz", tmp_path / "run.h5"
    np.savez(weights, lstm=np.zeros((4, 8)), dense=np.zeros((3, 1)))
    settings = (*SMALL, "update.rule=fixed", f"weights={weights}")
    plan = make_plan("airline", preset="memlab", settings=settings, out=out)
    with pytest.raises(SettingError, match="fixed starts from no weights"):
        run(plan)
    assert not out.exists()


def test_a_network_of_ones_own_takes_a_rule_by_name_or_with_settings(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.random((12, 3)), np.arange(12) % 2
    with memlab.open_array("emulator:?seed=3&chip=ta-hfo2") as array:
        rule = load_rule("fixed")(gate=1.4)
        model = memlab.Model([layers.Dense(2)], array, 3, update=rule)
        found = model.fit(x, y, epochs=1, out=tmp_path / "own.h5", figure=False)
        assert found.settings["update"] == {"rule": "fixed", "gate": 1.4, "parts": 0.5}
        (block,) = model.network.blocks
        assert np.all(block.programmed.gate_voltage == 1.4)
        with pytest.raises(SettingError, match="did you mean fixed"):
            memlab.Model([layers.Dense(2)], array, 3, update="fixd")


def test_settings_of_a_rule_are_of_a_name_of_plain_values_or_themselves() -> None:
    rule = as_rule({"rule": "fixed", "gate": 1.3})
    assert as_rule(rule) is rule
    assert as_rule("fixed") == load_rule("fixed")()
    with pytest.raises(SettingError, match="names no update rule"):
        as_rule({"gate": 1.3})
