"""`memlab estimate`."""

from __future__ import annotations

import json
from typing import Any

import rich_click as click

from memlab.characterize import PROCEDURES, estimate_procedures, plan_procedures
from memlab.emulator.preset import timing_settings
from memlab.errors import SettingError
from memlab.experiments import EXPERIMENTS, make_plan
from memlab.experiments import estimate as make_estimate


@click.command()
@click.argument(
    "names",
    metavar="NAME...",
    nargs=-1,
    required=True,
    type=click.Choice([*EXPERIMENTS, *PROCEDURES]),
)
@click.option("--preset", default="paper", show_default=True, help="Recipe of the experiment.")
@click.option("--seed", type=click.IntRange(min=0), help="Seed of the rehearsal.  [default: 1]")
@click.option("--epochs", type=click.IntRange(min=0), help="Passes over the training data.")
@click.option(
    "--board-profile",
    "profile",
    default="plain",
    show_default=True,
    help="Timing of the board: plain (one bus), parallel (16 data lines), or a TOML file.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a setting, for example link.baudrate=115200; repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def estimate(
    names: tuple[str, ...],
    preset: str,
    seed: int | None,
    epochs: int | None,
    profile: str,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Tell what a run would take on the board, from a rehearsal in memory.

    NAME is an experiment (three updates are rehearsed), or one or several procedures of `memlab
    characterize` (rehearsed whole). No board is opened and no file is left.
    """
    settings = (*timing_settings(profile), *settings)
    if names[0] in PROCEDURES:
        bills = estimate_procedures(plan_procedures(names, seed=seed, settings=settings))
        _report_procedures(bills, profile, as_json)
        return
    if len(names) > 1:
        raise SettingError(f"one experiment at a time: {', '.join(names)}")
    plan = make_plan(names[0], preset=preset, seed=seed, epochs=epochs, settings=settings)
    bill = {**make_estimate(plan), "board_profile": profile}
    if as_json:
        click.echo(json.dumps(bill))
    else:
        _show(bill)


def _report_procedures(bills: list[dict[str, Any]], profile: str, as_json: bool) -> None:
    seconds = sum(bill["on_board"]["seconds"] for bill in bills)
    if as_json:
        document = {"procedures": bills, "seconds_on_board": seconds, "board_profile": profile}
        click.echo(json.dumps(document))
        return
    click.echo("procedure       on the board  readings  vectors   pulses  worst SET, gate, RESET")
    for bill in bills:
        volts = bill["worst_voltages"]
        click.echo(
            f"{bill['procedure']:<14} {bill['on_board']['seconds']:10.3g} s {bill['readings']:10}"
            f"{bill['vectors']:9}{bill['pulses']:9}  "
            f"{volts['set']:g} V, {volts['set_gate']:.3g} V, {volts['reset']:g} V"
        )
    click.echo(f"{seconds:.3g} s in all, board profile {profile}")


def _show(bill: dict[str, Any]) -> None:
    cost, pulses, volts = bill["on_board"], bill["pulses_per_cell"], bill["worst_voltages"]
    lines = [
        f"{bill['experiment']}, preset {bill['preset']}: {bill['updates']} updates of "
        f"{bill['devices']} devices, board profile {bill['board_profile']}",
        f"time on the board  {cost['seconds']:.3g} s (analogue {cost['analogue_seconds']:.3g} s, "
        f"link {cost['link_seconds']:.3g} s)",
        f"energy             {cost['energy'] * 1e3:.3g} mJ (VMM {cost['vmm_energy'] * 1e3:.3g}, "
        f"SET {cost['set_energy'] * 1e3:.3g}, RESET {cost['reset_energy'] * 1e3:.3g})",
        f"pulses per cell    {pulses['set']:.0f} SETs, {pulses['reset']:.0f} RESETs (mean)",
        f"worst voltages     read {volts['read']:g} V, SET {volts['set']:g} V at gate up to "
        f"{volts['set_gate']:g} V, RESET {volts['reset']:g} V at gate {volts['reset_gate']:g} V",
        f"vectors            {bill['counts']['vmm']}",
        f"run file           {bill['file_size'] / 1e6:.3g} MB",
    ]
    for line in lines:
        click.echo(line)
