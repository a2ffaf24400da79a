"""`memlab limits`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import rich_click as click

from memlab.chip.coupled_limits import FORMING_GATE, RULES, largest_conductance
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
    gates = True
    if chip is not None:
        from memlab.emulator import load_preset

        preset = load_preset(chip)
        sources[f"chip {chip}"] = preset.limits
        gates = preset.passive.scheme == "none"
    if limits is not None:
        sources["--limits"] = limits
    found, origin = Limits(), dict.fromkeys(asdict(Limits()), "default")
    for name, changes in sources.items():
        found = changes.over(found)
        origin |= dict.fromkeys(changes.given(), name)
    shown = [rule for rule in RULES if gates or rule is not FORMING_GATE]
    if not gates:
        origin = {name: where for name, where in origin.items() if "gate" not in name}
    if as_json:
        rules = [
            {**asdict(rule), "default": getattr(Limits(), rule.limit), "units": _unit(rule.limit)}
            for rule in shown
        ]
        units = {name: _unit(name) for name in origin}
        show_document(
            {
                "limits": {name: getattr(found, name) for name in origin},
                "from": origin,
                "rules": rules,
                "units": units,
            }
        )
        return
    for name in origin:
        value = getattr(found, name)
        factor, unit = prefixed(value, _unit(name))
        where = "" if origin[name] == "default" else f"  ({origin[name]})"
        text = f"{LIMIT_MEANINGS[name]}{where}"
        click.echo(f"{name:<21} {f'{value / factor:.4g} {unit}':<9} {text}")
    if not gates:
        low, high = (_conductance(found, gate) for gate in (0.0, found.set_gate_voltage))
        click.echo(
            f"\nThe cells of this chip have no gates. G(gate voltage) is taken as {low} in a SET, "
            f"and as {high} in a RESET, a read and a VMM."
        )
    for rule in shown:
        click.echo(f"\nRule: {rule.name}\n  {rule.rule}\n  {rule.reason}")


def _conductance(limits: Limits, gate_voltage: float) -> str:
    conductance = largest_conductance(gate_voltage, limits)
    factor, unit = prefixed(conductance, "S")
    return f"{conductance / factor:.4g} {unit}"


def _unit(name: str) -> str:
    return LIMIT_UNITS[name.rpartition("_")[2]]
