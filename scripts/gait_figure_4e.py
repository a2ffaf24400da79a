"""Draw figure 4e of Li et al. 2019: test accuracy per epoch, 50 simulations and the chip over them.

    python scripts/gait_figure_4e.py --out memlab-runs/gait-4e
    python scripts/gait_figure_4e.py --ablation       # and which effect of the chip costs what

The people are a stand-in for those of the paper (`memlab data list`), and the chip is an emulated
one unless --board names another. Preset `memlab`. The simulations are of defect-free arrays with
the published device model: 5.6 uS of programming noise, ideal wires, ideal board. The chip has
every effect of `ta-hfo2-full` beside that noise. Every simulation leaves one run file: whatever
was stopped goes on when the command is run again. 50 simulations take 10 minutes of one core, 5
chips 17.
"""

import argparse
import sys
from pathlib import Path

import h5py
import numpy as np

import memlab
from memlab.emulator import load_preset
from memlab.experiments import make_plan, run
from memlab.figures.accuracy_curves import plot_accuracy_curves
from memlab.sweep import plan_sweep, run_sweep

SIMULATION = ("chip=ta-hfo2", "chip.noise=5.6e-6")
CHIP = ("chip=ta-hfo2-full", "chip.noise=5.6e-6")

EFFECTS = {
    "wires and transistor": (
        "wires.resistance",
        "wires.driver_resistance",
        "wires.sense_resistance",
        "transistor.slope",
        "set.stop_voltage",
        "set.as_read_resistance",
    ),
    "cell to cell": ("spread.set_slope", "spread.set_offset"),
    "stuck cells": ("defects.stuck_on", "defects.stuck_off"),
    "wear": ("wear.lifetime", "wear.window_loss"),
    "drift": ("drift.relaxation", "drift.retention"),
    "read noise, bent I-V": (
        "read_noise.white",
        "read_noise.bandwidth",
        "read_noise.flicker",
        "read_noise.telegraph_cells",
        "read_noise.telegraph_amplitude",
        "nonlinearity.voltage",
        "nonlinearity.ohmic_conductance",
    ),
    "board errors": (
        "board.dac.offset",
        "board.dac.gain",
        "board.dac.inl",
        "board.dac.settling",
        "board.amplifier.offset",
        "board.amplifier.mismatch",
        "board.amplifier.thermal_bandwidth",
        "board.amplifier.voltage_noise",
        "board.adc.noise",
        "board.adc.offset",
    ),
}
"""Parameters in which `ta-hfo2-full` differs from `ta-hfo2`; the law as read belongs to wires."""


def main() -> int:
    """Run what is missing, draw, and print medians of the last epoch."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--board", default="emulator:", help="board URL of the chip")
    parser.add_argument("--out", type=Path, default=Path("memlab-runs/gait-4e"), help="directory")
    parser.add_argument("--simulations", type=int, default=50, help="seeds of the simulation")
    parser.add_argument("--chips", type=int, default=5, help="emulated chips")
    parser.add_argument("--epochs", type=int, default=50, help="passes over the training data")
    parser.add_argument("--workers", type=int, help="processes; one for each core if not given")
    parser.add_argument("--ablation", action="store_true", help="each effect off, and alone")
    options = parser.parse_args()
    out: Path = options.out
    try:
        out.mkdir(parents=True, exist_ok=True)
        simulations = curves(sweep(options, SIMULATION, options.simulations, "simulations"))
        if options.board.startswith("emulator:"):
            files, name = sweep(options, CHIP, options.chips, "chip"), "emulated chip"
        else:
            files, name = [one_run(options)], "chip"
        chip = curves(files)
    except memlab.MemlabError as error:
        print(f"gait_figure_4e: {error}", file=sys.stderr)
        return 1
    with h5py.File(files[0]) as file:
        source = file["entry/test"].attrs["source"]
    picture = out / "figure-4e.png"
    labels = "defect-free simulations", name
    plot_accuracy_curves(picture, simulations, chip, labels, f"LSTM on gait\n{source}")
    for label, found in zip(labels, (simulations, chip), strict=True):
        low, middle, high = 100 * np.quantile(found[:, -1], [0.0, 0.5, 1.0])
        print(f"{label}: {middle:.1f} % ({low:.1f} to {high:.1f}), {len(found)} seeds")
    print(f"picture {picture}")
    if options.ablation:
        try:
            ablation(options)
        except memlab.MemlabError as error:
            print(f"gait_figure_4e: {error}", file=sys.stderr)
            return 1
    return 0


def ablation(options: argparse.Namespace) -> None:
    """Print the accuracy with each effect added to the bare chip, and taken from the whole one."""
    bare, full = load_preset("ta-hfo2"), load_preset("ta-hfo2-full")
    for title, chip, source in (("bare chip with", SIMULATION, full), ("chip without", CHIP, bare)):
        print(f"\n{title}, {options.chips} seeds:")
        for effect, names in EFFECTS.items():
            changes = tuple(f"chip.{name}={source.parameter(name)!r}" for name in names)
            folder = f"ablation/{title} {effect}".replace(" ", "-")
            last = curves(sweep(options, (*chip, *changes), options.chips, folder))[:, -1]
            low, middle, high = 100 * np.quantile(last, [0.0, 0.5, 1.0])
            print(f"{effect:<26} {middle:.1f} % ({low:.1f} to {high:.1f})", flush=True)


def sweep(options: argparse.Namespace, chip: tuple[str, ...], seeds: int, name: str) -> list[Path]:
    """Run the seeds that have no run file yet; return the run files of all."""
    planned = plan_sweep(
        "gait",
        preset="memlab",
        board=options.board if name == "chip" else "emulator:",
        seeds=seeds,
        epochs=options.epochs,
        settings=chip,
        out=options.out / name,
    )
    result = run_sweep(planned, workers=options.workers, progress=say)
    if result.failed:
        raise memlab.MemlabError(f"{len(result.failed)} trials failed: {result.failed[0][1]}")
    return [planned.file(trial) for trial in planned.trials]


def one_run(options: argparse.Namespace) -> Path:
    """Train on the board once, if there is no run file yet; return the run file."""
    path: Path = options.out / "chip.h5"
    if not path.exists():
        run(
            make_plan(
                "gait",
                preset="memlab",
                board=options.board,
                epochs=options.epochs,
                settings=CHIP,
                out=path,
            ),
            figure=False,
        )
    return path


def curves(files: list[Path]) -> np.ndarray:
    """Return the test accuracy after each epoch, shape (runs, epochs)."""
    found = []
    for path in files:
        with h5py.File(path) as file:
            found.append(file["entry/accuracy/test"][:])
    return np.array(found)


def say(done: int, total: int) -> None:
    """Say how far it is."""
    print(f"trial {done}/{total}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
