"""Budgets of one chip, in its TOML file: what a new passport of it begins with.

    [budgets]
    set = 20_000
    forming = 2

A passport that there is keeps its own (`memlab chip budget`), and a URL wins over both.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from memlab.chip.table_changes import TableChanges
from memlab.setting_units import in_unit

__all__ = ["DEFAULT_BUDGETS", "BudgetChanges"]

DEFAULT_BUDGETS = {"set": 100_000, "reset": 100_000, "forming": 1}
"""Of each cell; what is not there has no end. `memlab.passport.Budgets` says why."""

_Pulses = Annotated[int | None, in_unit("1")]


class BudgetChanges(TableChanges):
    """How much a cell may be asked for, where that is not the default; see `Budgets`."""

    group = "budgets"

    set: _Pulses = Field(None, description="Most SETs of a cell.", ge=0, lt=2**31)
    reset: _Pulses = Field(None, description="Most RESETs of a cell.", ge=0, lt=2**31)
    pulses: _Pulses = Field(None, description="Most pulses of a cell.", ge=0, lt=2**31)
    energy: Annotated[float | None, in_unit("J")] = Field(
        None, description="Most energy of all pulses in a cell.", ge=0
    )
    forming: _Pulses = Field(None, description="How often a cell may be formed.", ge=0, lt=2**31)
