"""Options of a board's URL that are for the array above the board, not for the board."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from urllib.parse import unquote_plus

from drivers.opening import parse_options
from memlab.calibration.store import LATEST, NONE
from memlab.errors import SettingError
from memlab.passport.budgets import Budgets, parse_budget

__all__ = ["ARRAY_OPTIONS", "ArrayOptions", "split_array_options"]

_BUDGET = "budget."
_LOST = ("take-back", "refuse")
ARRAY_OPTIONS = (
    "rounding",
    "passport",
    "lost",
    "calibration",
    *(_BUDGET + field.name for field in fields(Budgets)),
)
"""What `split_array_options` takes out of a URL."""


@dataclass(frozen=True)
class ArrayOptions:
    """What a URL asks of an array on a board.

    Parameters
    ----------
    rounding
        Round voltages to the board's steps.
    passport
        File of the chip's passport, "none" for no passport, None for the default.
    budgets
        Budgets by name that hold for this opening.
    calibration
        Which static errors are undone: latest, none, a version or a file; None for the default.
    refuse_lost
        Refuse a chip in a file that lacks pulses of its passport, instead of taking them back.
    """

    rounding: bool = False
    passport: str | None = None
    budgets: dict[str, float | None] = field(default_factory=dict)
    calibration: str | None = None
    refuse_lost: bool = False


def split_array_options(url: str) -> tuple[str, ArrayOptions]:
    """Return the URL for the board alone, and what it asks of the array.

    Raises
    ------
    SettingError
        If one of these options is wrong; what the board makes of the others is its own affair.
    """
    address, _, query = url.partition("?")
    try:
        parse_options(url, query)
    except ValueError as error:
        raise SettingError(str(error)) from error
    rest = []
    rounding, passport, calibration, refuse_lost = False, None, None, False
    budgets: dict[str, float | None] = {}
    for pair in query.split("&") if query else []:
        key, _, text = pair.partition("=")
        value = unquote_plus(text)
        if key == "rounding":
            if value != "nearest":
                raise SettingError(f"{url!r}: {pair!r}: the only way to round is rounding=nearest")
            rounding = True
        elif key == "passport":
            if not value:
                raise SettingError(f"{url!r}: passport= names no file; write FILE, or none")
            passport = value
        elif key == "lost":
            if value not in _LOST:
                raise SettingError(f"{url!r}: {pair!r}: write lost=take-back, or lost=refuse")
            refuse_lost = value == "refuse"
        elif key == "calibration":
            if value not in (NONE, LATEST) and not value.isdecimal() and not os.path.isfile(value):
                raise SettingError(
                    f"{url!r}: calibration={value} is no file; allowed: latest, none, the number "
                    "of a version, or a file (memlab calibrate --list shows what there is)"
                )
            calibration = value
        elif key.startswith(_BUDGET):
            name = key.removeprefix(_BUDGET)
            budgets[name] = parse_budget(name, value)
        else:
            rest.append(pair)
    board = address + ("?" + "&".join(rest) if rest else "")
    return board, ArrayOptions(rounding, passport, budgets, calibration, refuse_lost)
