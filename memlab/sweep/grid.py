"""What varies in a sweep: `key=first:last:count`, `key=a,b,c`, or `key=value` for all trials."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import isfinite, prod

import numpy as np

from memlab.errors import SettingError
from memlab.setting_values import with_unit

__all__ = ["Axis", "Grid", "parse_settings"]

_MOST = 100_000
_RANGE = re.compile(r"^([^:,]+):([^:,]+):(\d+)(:log)?$")


@dataclass(frozen=True)
class Axis:
    """A setting that varies, and its values: all numbers, or all text."""

    key: str
    values: tuple[float, ...] | tuple[str, ...]

    def setting(self, index: int) -> str:
        """Return `key=value` for one of the values."""
        value = self.values[index]
        return f"{self.key}={value if isinstance(value, str) else repr(value)}"


@dataclass(frozen=True)
class Grid:
    """Every combination of the values of some axes, with some settings that stay."""

    axes: tuple[Axis, ...]
    fixed: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values of each axis."""
        return tuple(len(axis.values) for axis in self.axes)

    def __len__(self) -> int:
        return prod(self.shape)

    def __iter__(self) -> Iterator[tuple[tuple[int, ...], tuple[str, ...]]]:
        """Yield the index of each combination, and its settings."""
        for index in product(*(range(size) for size in self.shape)):
            moving = [axis.setting(k) for axis, k in zip(self.axes, index, strict=True)]
            yield index, (*self.fixed, *moving)


def parse_settings(
    settings: Sequence[str], unit_of: Callable[[str], str | None] = lambda key: None
) -> Grid:
    """Sort settings into axes and fixed ones.

    Parameters
    ----------
    settings
        `chip.noise=0:20e-6:11` for 11 values from 0 to 20e-6, both ends included;
        `train.lr=1e-4:1e-2:5:log` for equal ratios; `chip=ta-hfo2,pt-taox-ta` for a list;
        anything else is the same in all trials.
    unit_of
        Returns the unit of a setting, with which its numbers may be given.

    Raises
    ------
    SettingError
        If a range is no range, or a key varies twice.
    """
    axes: list[Axis] = []
    fixed: list[str] = []
    for setting in settings:
        key, equals, text = (part.strip() for part in setting.partition("="))
        if not equals or not key:
            raise SettingError(f"--set {setting!r}: write key=value or key=first:last:count")
        values = _values(setting, text, unit_of(key) or "1")
        if values is None:
            fixed.append(f"{key}={text}")
        else:
            axes.append(Axis(key, values))
    keys = [axis.key for axis in axes] + [setting.partition("=")[0] for setting in fixed]
    for key in keys:
        if keys.count(key) > 1:
            raise SettingError(f"--set {key} is given twice")
        if key == "seed":
            raise SettingError("--set seed: use --seeds COUNT and --first-seed N")
    return Grid(tuple(axes), tuple(fixed))


def _values(setting: str, text: str, unit: str) -> tuple[float, ...] | tuple[str, ...] | None:
    """Return the values of an axis, or None where a setting does not vary."""
    if match := _RANGE.match(text):
        first, last = _number(match[1], unit), _number(match[2], unit)
        count = int(match[3])
        if first is None or last is None or not (isfinite(first) and isfinite(last)) or count < 1:
            where = "" if unit == "1" else f", in {unit}"
            raise SettingError(
                f"--set {setting!r}: a range is first:last:count, for example 0:1:5{where}"
            )
        if count > _MOST:
            raise SettingError(f"--set {setting!r}: at most {_MOST} values")
        if not match[4]:
            return tuple(np.linspace(first, last, count).tolist())
        if first <= 0 or last <= 0:
            raise SettingError(f"--set {setting!r}: equal ratios need ends above zero")
        return tuple(np.geomspace(first, last, count).tolist())
    if "," not in text or text.startswith(("[", "{", '"')):
        return None
    words = [word.strip() for word in text.split(",")]
    if len(set(words)) < len(words) or "" in words:
        raise SettingError(f"--set {setting!r}: the values of a list must differ")
    numbers = [_number(word, unit) for word in words]
    found = tuple(number for number in numbers if number is not None)
    return found if len(found) == len(words) else tuple(words)


def _number(text: str, unit: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return with_unit(text, unit)
