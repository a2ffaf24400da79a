"""`memlab limits`."""

from __future__ import annotations

from dataclasses import asdict

import rich_click as click

from memlab.cli.command import Command
from memlab.cli.options import json_option
from memlab.cli.streams import show_document
from memlab.coupled_limits import RULES
from memlab.limits import LIMIT_UNITS, Limits
from memlab.units import prefixed


@click.command(cls=Command)
@json_option
def limits(as_json: bool) -> None:
    """List what a chip may see by default, and the rules about combinations, with reasons.

    A limit refuses before anything is sent, with exit code 4. Other limits are for scripts:
    memlab.open_array(url, limits=memlab.Limits(...)).
    """
    defaults = Limits()
    rules = [
        {**asdict(rule), "default": getattr(defaults, rule.limit), "units": _unit(rule.limit)}
        for rule in RULES
    ]
    if as_json:
        units = {name: _unit(name) for name in asdict(defaults)}
        show_document({"limits": asdict(defaults), "rules": rules, "units": units})
        return
    for name, value in asdict(defaults).items():
        number, unit = prefixed(value, _unit(name))
        click.echo(f"{name:<21} {value / number:.4g} {unit}")
    for rule in RULES:
        click.echo(f"\nRule: {rule.name}\n  {rule.rule}\n  {rule.reason}")


def _unit(name: str) -> str:
    return LIMIT_UNITS[name.rpartition("_")[2]]
