"""`memlab estimate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from memlab.array.cost import COST_UNITS
from memlab.characterize import Region, estimate_procedures, plan_procedures
from memlab.cli import options
from memlab.cli.kind_names import KindCommand, KindName
from memlab.cli.setting_options import config_option, set_option, setting_options
from memlab.cli.streams import tell
from memlab.emulator.preset import timing_settings
from memlab.errors import SettingError
from memlab.experiments import estimate as make_estimate
from memlab.experiments import make_plan, plan_floor
from memlab.kinds import Family, load_kind
from memlab.units import plain, prefixed


@click.command(cls=KindCommand, families=(Family.EXPERIMENT, Family.PROCEDURE))
@click.argument(
    "names",
    metavar="NAME...",
    nargs=-1,
    required=True,
    type=KindName(Family.EXPERIMENT, Family.PROCEDURE),
)
@options.region_options
@options.preset_option
@click.option("--seed", type=options.SEED, help="Seed of the rehearsal.  [default: 1]")
@options.epochs_option
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
    "--floor-plan",
    type=options.NEW,
    metavar="FILE",
    help="Draw where the network lies on its arrays; .pdf, .png or .svg.",
)
@setting_options(set_option("link.baudrate=115200"), config_option)
@options.json_option
def estimate(
    names: tuple[str, ...],
    region: Region,
    profile: str,
    arrays: int,
    floor_plan: Path | None,
    preset: str | None,
    epochs: int | None,
    settings: tuple[str, ...],
    as_json: bool,
    **wanted: Any,
) -> None:
    """Tell what a run would take on the board, from a rehearsal in memory.

    NAME is an experiment (three updates are rehearsed; with --set method=ex-situ the transfer, of
    untrained weights), or one or several procedures of `memlab characterize` (rehearsed whole, on
    the region given). No board is opened, and no file is left but that of --floor-plan.
    """
    if floor_plan is not None:
        options.check_picture(floor_plan)
    settings = (*timing_settings(profile), *settings)
    if load_kind(names[0]).family is Family.PROCEDURE:
        if floor_plan is not None:
            raise SettingError("--floor-plan is for experiments: a procedure has no matrices")
        plans = plan_procedures(names, settings=settings, **wanted)
        bills = estimate_procedures(plans, region)
        seconds = sum(bill["on_board"]["seconds"] for bill in bills)
        document = {"procedures": bills, "seconds_on_board": seconds, "board_profile": profile}
        tell(document, as_json, words_of_procedures)
        return
    if region != Region():
        raise SettingError("--rows, --columns, --cells and --mask are for procedures only")
    if len(names) > 1:
        raise SettingError(f"one experiment at a time: {', '.join(names)}")
    wanted |= {"preset": preset, "epochs": epochs}
    plan = make_plan(names[0], board=["emulator:"] * arrays, settings=settings, **wanted)
    bill = {**make_estimate(plan), "board_profile": profile}
    if floor_plan is not None:
        # matplotlib loads only for a picture.
        from memlab.figures import plot_floor_plan

        plot_floor_plan(plan_floor(plan), floor_plan)
        bill["floor_plan"] = str(floor_plan)
    tell(bill, as_json, _words)


def words_of_procedures(document: dict[str, Any]) -> list[str]:
    """Return the bill of procedures in words."""
    lines = [
        f"{'':<14} {'time on':>12} {'maps':>8} {'vectors':>8} {'pulses':>8} {'SETs and':>9}  "
        "highest voltages",
        f"{'procedure':<14} {'the board':>12} {'read':>8} {'read':>8} {'of rows':>8} "
        f"{'RESETs':>9}  SET, its gate, RESET",
    ]
    for bill in document["procedures"]:
        volts, counts = bill["worst_voltages"], bill["counts"]
        time = _with_unit(bill["on_board"]["seconds"], "s")
        lines.append(
            f"{bill['procedure']:<14} {time:>12} {bill['readings']:8} {bill['vectors']:8} "
            f"{bill['pulses']:8} {counts['set'] + counts['reset']:9}  "
            f"{volts['set']:g} V, {volts['set_gate']:.3g} V, {volts['reset']:g} V"
        )
    seconds, profile = document["seconds_on_board"], document["board_profile"]
    lines.append(f"{seconds:.3g} s in all, board profile {profile}; each was rehearsed whole")
    return lines


def _words(bill: dict[str, Any]) -> list[str]:
    cost, pulses, volts = bill["on_board"], bill["pulses_per_cell"], bill["worst_voltages"]
    what = f"{bill['updates']} updates of" if bill["method"] == "in-situ" else "transfer to"
    vectors = plain(f"{bill['counts']['vmm']:.3g}")
    energy = {name: _with_unit(cost[name], "J") for name in COST_UNITS}
    lines = [
        f"{bill['experiment']}, preset {bill['preset']}: {what} "
        f"{bill['devices']} devices, board profile {bill['board_profile']}",
        f"time on the board  {cost['seconds']:.3g} s (analogue {cost['analogue_seconds']:.3g} s, "
        f"link {cost['link_seconds']:.3g} s)",
        f"energy             {energy['energy']} (VMM {energy['vmm_energy']}, "
        f"SET {energy['set_energy']}, RESET {energy['reset_energy']})",
        f"pulses per cell    {pulses['set']:.3g} SETs, {pulses['reset']:.3g} RESETs (mean of the "
        f"{bill['devices']} devices)",
        f"worst voltages     read {volts['read']:g} V, SET {volts['set']:g} V"
        + (f" at gate up to {volts['set_gate']:g} V" if "set_gate" in volts else "")
        + f", RESET {volts['reset']:g} V"
        + (f" at gate {volts['reset_gate']:g} V" if "reset_gate" in volts else ""),
        f"vectors            {vectors} multiplied",
        f"run file           {bill['file_size'] / 1e6:.3g} MB",
        f"rehearsed          {bill['rehearsed']}",
    ]
    if more := bill.get("restarts"):
        lines.append(
            f"not counted        {more['updates_each']} updates for each time that training begins "
            f"anew, at most {more['at_most']}"
        )
    if "floor_plan" in bill:
        lines.append(f"floor plan         {bill['floor_plan']}")
    return lines


def _with_unit(value: float, units: str) -> str:
    factor, unit = prefixed(value, units)
    return f"{value / factor:.3g} {unit}"
