"""`memlab estimate`."""

from __future__ import annotations

import json
from typing import Any

import rich_click as click

from memlab.emulator.preset import timing_settings
from memlab.experiments import EXPERIMENTS, make_plan
from memlab.experiments import estimate as make_estimate


@click.command()
@click.argument("name", metavar="NAME", type=click.Choice(list(EXPERIMENTS)))
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
    "--arrays",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Arrays that the network lies on together, as with several --board of memlab train.",
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
    name: str,
    preset: str,
    seed: int | None,
    epochs: int | None,
    profile: str,
    arrays: int,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Tell what a run would take on the board, from a rehearsal of three updates in memory.

    NAME is the experiment. No board is opened and no file is left.
    """
    plan = make_plan(
        name,
        preset=preset,
        board=["emulator:"] * arrays,
        seed=seed,
        epochs=epochs,
        settings=[*timing_settings(profile), *settings],
    )
    bill = {**make_estimate(plan), "board_profile": profile}
    if as_json:
        click.echo(json.dumps(bill))
    else:
        _show(bill)


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
