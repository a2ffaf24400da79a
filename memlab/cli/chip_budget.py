"""`memlab chip budget`."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import rich_click as click

from memlab.cli.command import Command
from memlab.cli.options import json_option
from memlab.cli.passports import BUDGET_UNITS, budget_text, require_passport
from memlab.cli.streams import tell
from memlab.passport import Passport
from memlab.passport.budgets import parse_budget


@click.command(cls=Command)
@click.argument("name", metavar="FILE")
@click.option("--set", "set_", metavar="N", help="SETs of each cell.")
@click.option("--reset", metavar="N", help="RESETs of each cell.")
@click.option("--pulses", metavar="N", help="SETs and RESETs together.")
@click.option("--energy", metavar="J", help="Estimated energy in each cell, in J.")
@click.option("--forming", metavar="N", help="Formings of each cell.")
@json_option
def budget(name: str, set_: str | None, as_json: bool, **others: str | None) -> None:
    """Show how often the cells of a chip may be pulsed in their life, or change it.

    FILE is a passport, or the serial number of a board. `none` instead of a number takes a budget
    away. For one opening only, write budget.set=N into the board's URL.
    """
    given = {"set": set_, **others}
    changes: dict[str, Any] = {
        key: parse_budget(key, text) for key, text in given.items() if text is not None
    }
    path = require_passport(name)
    with Passport.read(path) as passport:
        budgets, shape = replace(passport.budgets, **changes), passport.shape
    if changes:
        with Passport(path, shape) as passport:
            passport.store_budgets(budgets)
    words = f"budgets per cell: {budget_text(asdict(budgets))}"
    document = {"passport": str(path), "budgets": asdict(budgets), "units": BUDGET_UNITS}
    tell(document, as_json, lambda _: [words])
