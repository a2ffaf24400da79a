"""`memlab limits`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import rich_click as click

from memlab.chip.coupled_limits import RULES
from memlab.chip.limits import LIMIT_MEANINGS, LIMIT_UNITS, Limits
from memlab.cli.command import Command
from memlab.cli.options import json_option, limits_option
from memlab.cli.streams import show_document
from memlab.units import prefixed

if TYPE_CHECKING:
    from memlab.chip.limit_changes import LimitChanges


@click.command("limits", cls=Command)
@click.option("--chip", metavar="NAME", help="Also what this chip's file says: NAME.toml.")
@limits_option
@json_option
def limits_(chip: str | None, limits: LimitChanges | None, as_json: bool) -> None:
    """List what a chip may see, and the rules about combinations, with reasons.

    A limit refuses before anything is sent, with exit code 4. A chip that needs others has them in
    a table [limits] of its TOML file, or in a file for --limits, which every command takes that
    touches a chip. Of several the last wins: defaults, chip, run of --config, --limits, --set
    limits.set_voltage=3.6. Other limits than the board can make are refused.
    """
    sources: dict[str, LimitChanges] = {}
    if chip is not None:
        from memlab.emulator import load_preset

        sources[f"chip {chip}"] = load_preset(chip).limits
    if limits is not None:
        sources["--limits"] = limits
    found, origin = Limits(), dict.fromkeys(asdict(Limits()), "default")
    for name, changes in sources.items():
        found = changes.over(found)
        origin |= dict.fromkeys(changes.given(), name)
    if as_json:
        rules = [
            {**asdict(rule), "default": getattr(Limits(), rule.limit), "units": _unit(rule.limit)}
            for rule in RULES
        ]
        units = {name: _unit(name) for name in origin}
        show_document({"limits": asdict(found), "from": origin, "rules": rules, "units": units})
        return
    for name, value in asdict(found).items():
        factor, unit = prefixed(value, _unit(name))
        where = "" if origin[name] == "default" else f"  ({origin[name]})"
        text = f"{LIMIT_MEANINGS[name]}{where}"
        click.echo(f"{name:<21} {f'{value / factor:.4g} {unit}':<9} {text}")
    for rule in RULES:
        click.echo(f"\nRule: {rule.name}\n  {rule.rule}\n  {rule.reason}")


def _unit(name: str) -> str:
    return LIMIT_UNITS[name.rpartition("_")[2]]
