"""What an update rule is to who chooses one: a name, settings, and how it is made."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import EntryPoint
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import BeforeValidator, Field, SerializeAsAny, ValidationError

from drivers.known_names import unknown
from drivers.plug_ins import find_points, load_point, only_point, where_from
from memlab.array import Array
from memlab.errors import SettingError
from memlab.mapping import DifferentialMatrix, MappingConfig, UpdateRule
from memlab.nn import Credit, Network
from memlab.setting_units import OneOf
from memlab.setting_values import refusal
from memlab.settings import Choice

__all__ = [
    "GROUP",
    "RuleName",
    "RuleSettings",
    "UpdateSetting",
    "as_rule",
    "attach",
    "load_rule",
    "named",
    "rule_names",
]

GROUP = "memlab.rules"
_DEFAULT = EntryPoint("one-shot", "memlab.rules.one_shot:OneShot", GROUP)
"""Of every experiment: it is there even where this package was updated and not installed again."""


@cache
def _points() -> dict[str, list[EntryPoint]]:
    found = find_points([GROUP])
    found.setdefault(_DEFAULT.name, [_DEFAULT])
    return found


def rule_names() -> list[str]:
    """Return the names of all update rules; loads none."""
    return sorted(_points())


RuleName = Annotated[str, OneOf(rule_names)]
"""Type of the name of a rule."""


class RuleSettings(Choice):
    """Settings of an update rule; every one has a default.

    A rule gives itself its name, that of its entry point:

        class Mine(RuleSettings):
            rule: RuleName = named("mine")
            step: Volts = Field(0.05, description="Move of a gate voltage.", gt=0)

            def make(self, mapping, rng):
                return MyUpdate(mapping, self.step)
    """

    chosen_by: ClassVar[str] = "rule"
    rule: RuleName = Field(description="How changes become pulses.")

    @abstractmethod
    def make(self, mapping: MappingConfig, rng: np.random.Generator) -> UpdateRule:
        """Return what programs one block of cells.

        Parameters
        ----------
        mapping
            How conductances become gate voltages, and between which limits.
        rng
            Draws at random; shared by all blocks of a network.
        """

    def claim(self, matrices: Sequence[DifferentialMatrix], arrays: Sequence[Array]) -> None:
        """Take cells beside those of a network, or refuse its arrays; by default nothing.

        Comes before `prepare`, and whenever the network is made: nothing is pulsed.

        Raises
        ------
        SettingError
            If the rule cannot work on these arrays, or there is no room.
        """

    def prepare(self, matrices: Sequence[DifferentialMatrix], rng: np.random.Generator) -> None:
        """Change the matrices of a network before it is trained; by default nothing.

        A rule whose errors go back through other weights puts them into `feedback`. A resumed run
        does it again: what is drawn depends on `rng` alone.
        """

    def credit(self, rng: np.random.Generator) -> Credit | None:
        """Return how errors reach the layers; None for back-propagation."""
        return None


def named(rule: str) -> Any:
    """Return the field with which a rule says its name."""
    return Field(rule, description="How changes become pulses: the name of an update rule.")


def load_rule(name: str) -> type[RuleSettings]:
    """Return the settings of an update rule.

    Raises
    ------
    SettingError
        If there is none of this name, several packages bring one, or it cannot be loaded.
    """
    if name not in _points():
        raise SettingError(unknown("update rule", name, rule_names()))
    return _load(only_point(_points()[name], SettingError))


@cache
def _load(point: EntryPoint) -> type[RuleSettings]:
    rule, where = load_point(point, SettingError), where_from(point)
    if not (isinstance(rule, type) and issubclass(rule, RuleSettings)):
        raise SettingError(
            f"{where} is no update rule: {point.value} must be a class of memlab.rules.RuleSettings"
        )
    if without := [key for key, one in rule.model_fields.items() if one.is_required()]:
        raise SettingError(f"{where}: the setting {without[0]} has no default")
    if rule.model_fields["rule"].default != point.name:
        raise SettingError(
            f"{where} calls itself {rule.model_fields['rule'].default}; its entry point must be "
            "called so"
        )
    return rule


def as_rule(value: object) -> RuleSettings:
    """Return the settings of a rule: of its name, of plain values with its name, or themselves.

    Raises
    ------
    SettingError
        If there is no such rule, or it has no such settings.
    """
    if isinstance(value, RuleSettings):
        return value
    given = {"rule": value} if isinstance(value, str) else value
    if not isinstance(given, Mapping) or not isinstance(given.get("rule"), str):
        raise SettingError(f"{value!r} names no update rule; choose of {', '.join(rule_names())}")
    kind = load_rule(given["rule"])
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        name, said = refusal(error, kind)
        raise SettingError(f"{name}: {said}" if name else said) from error


UpdateSetting = Annotated[SerializeAsAny[RuleSettings], BeforeValidator(as_rule)]
"""Type of a setting that is an update rule with its settings; the name of one is one too."""


def attach(update: RuleSettings, network: Network, seed: int, arrays: Sequence[Array] = ()) -> None:
    """Give a network on some arrays what its rule needs besides; draws are the seed's.

    Raises
    ------
    SettingError
        If the rule cannot work on these arrays.
    """
    update.claim(network.matrices, arrays)
    rng = np.random.default_rng([seed, 0x0DD])  # a stream that nothing else draws from
    update.prepare(network.matrices, rng)
    network.credit = update.credit(rng)
