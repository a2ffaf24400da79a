"""Store a 16 x 32 matrix on one to four slices, and compare what the cells hold with the floor.

    python scripts/residual_slices.py                    # a table, and a picture in memlab-runs
    python scripts/residual_slices.py --seeds 5

Each slice is programmed to what those before it left (Song et al., Science 2024), on two emulated
chips: by two blind pulses for each cell, and by write-and-verify. The error is that of the true
conductances, rms over all weights, relative to the largest weight. Columns with stuck cells are
left out where a row of the table does not say otherwise. Nothing here has run on silicon.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

import memlab
from memlab import Array, nn
from memlab.figures.style import BLUE, GREY, ORANGE, figure_file
from memlab.mapping import DifferentialMatrix, WriteVerify, pair_weight, write_weights
from memlab.testing import truth_of

FloatArray = npt.NDArray[np.float64]

SHAPE, SLICES = (16, 32), 4
RESPONDS = 50e-6
"""In S: a cell that a RESET and a SET leave closer to each other is stuck."""


@dataclass(frozen=True)
class Case:
    """A chip, and how it is written and read.

    Parameters
    ----------
    chip
        Preset of the emulator.
    readings, read_voltage
        Readings that are averaged, and their voltage in V.
    tolerance
        Of write-and-verify, in S.
    stuck
        Whether columns with stuck cells are used, too.
    """

    chip: str
    readings: int
    read_voltage: float
    tolerance: float
    stuck: bool = False

    @property
    def title(self) -> str:
        """What it is called in the table."""
        return f"`{self.chip}`{', stuck cells and all' if self.stuck else ''}"

    @property
    def ways(self) -> dict[str, WriteVerify]:
        """How cells are written."""
        return {
            "blind": WriteVerify(attempts=1, tolerance=1e-9),
            "write-and-verify": WriteVerify(tolerance=self.tolerance),
        }


# At 0.055 V the largest conductance, 365 uS and what blind pulses add, is within gain 3: an ADC
# step is 28 nS there, and 76 nS at 0.2 V and gain 2. The other chip is read at 0.2 V, as it is
# used: its readings are limited by noise.
CASES = (
    Case("ta-hfo2", 1, 0.055, 2e-6),
    Case("ta-hfo2-full", 16, 0.2, 5e-6),
    Case("ta-hfo2-full", 16, 0.2, 5e-6, stuck=True),
)


@dataclass(frozen=True)
class Stored:
    """What came of a matrix, with 1, 2, ... slices.

    Parameters
    ----------
    error, floor
        Of the true conductances, and what their reading alone leaves, rms of full scale.
    product
        Error of the products of all slices, rms, relative to the rms of the products.
    """

    error: FloatArray
    floor: FloatArray
    product: float


def store(case: Case, way: str, seed: int, slices: int = SLICES) -> Stored:
    """Write a matrix on a chip of its own."""
    rng = np.random.default_rng(seed)
    weight = rng.uniform(-1.0, 1.0, SHAPE)
    weight /= np.abs(weight).max()
    with memlab.open_array(f"emulator:?chip={case.chip}&seed={seed}") as chip:
        array = chip.with_operating_point(read_voltage=case.read_voltage)
        if not case.stuck:
            array = array[:, np.flatnonzero(responding(array).all(axis=0))]
        layer = nn.layers.Dense(SHAPE[1], bias=None)
        network = nn.build([layer], SHAPE[0], array, slices=slices)
        settings = case.ways[way]
        write_weights(network.matrices, [weight], [array], settings, readings=case.readings)
        network.read_back()
        (matrix,) = network.matrices
        held = np.cumsum([true_weight(one) for one in matrix.slices], axis=0)
        misread = np.cumsum([misreading(one, case) for one in matrix.slices], axis=0)
        # The layer is used as any other, and its output is the sum of its slices'.
        x = rng.uniform(-1.0, 1.0, (1, 20, SHAPE[0]))
        product = rms(network.forward(x) - x @ weight) / rms(x @ weight)
    errors = np.array([rms(one - weight) for one in held])
    return Stored(errors, np.sqrt(misread.mean(axis=(1, 2))), product)


def rms(values: FloatArray) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt(np.mean(values**2)))


def responding(array: Array) -> npt.NDArray[np.bool_]:
    """Return which cells a RESET and a SET move; pulses each cell twice."""
    every = np.ones(array.shape, bool)
    array.program_to(0.0, reset=every, set=~every)
    low = array.read_conductance()
    array.program_to(array.stated_law.gate_voltage(250e-6), reset=~every, set=every)
    return array.read_conductance() - low > RESPONDS


def true_weight(matrix: DifferentialMatrix) -> FloatArray:
    """Return the weights that the cells of one slice stand for, behind wires and at this moment."""
    return matrix.gather(
        [
            pair_weight(truth_of(block.array).transfer, matrix.siemens_per_weight, block.layout)
            for block in matrix.blocks
        ]
    )


def misreading(matrix: DifferentialMatrix, case: Case) -> FloatArray:
    """Return the variance by which one slice's weights differ from their mean reading.

    Of each of its cells, with n readings at V: step^2 (1/12 + noise^2) / n of an ADC that has
    noise, without it a twelfth, however often it is read; (white G)^2 / n; and what no reading
    averages out, the gain error of the row's DAC, and the slow noise, of which the fast part is
    gone from the mean reading and the rest is another later. Offsets of DACs, amplifiers and ADCs
    drive the same current in each row's reading of a column, and cancel in a pair.
    """
    found = []
    for block in matrix.blocks:
        truth, reading, able = truth_of(block.array), block.reading, block.array.board.capabilities
        noise, board = truth.preset.read_noise, truth.preset.board
        step = able.sense.step / np.array(able.transimpedance)[reading.gain - 1]
        step = step / case.read_voltage
        averaged = case.readings if board.adc.noise or noise.white else 1
        variance = step**2 * (1 / 12 + board.adc.noise**2) / averaged
        telegraph = noise.telegraph_cells * (noise.telegraph_amplitude / 2) ** 2
        relative = noise.white**2 / averaged + noise.flicker**2 + telegraph
        relative += board.dac.gain**2
        variance = variance + relative * reading.value**2
        # Both cells of a pair are off by their own: variances add up where conductances subtract.
        half = len(variance) // 2
        found.append((variance[:half] + variance[half:]) / matrix.siemens_per_weight**2)
    return matrix.gather(found)


Results = dict[tuple[Case, str], list[Stored]]
"""By case and way, one for each chip."""


def table(results: Results) -> str:
    """Return medians over the chips, as a table."""
    heads = " | ".join(f"{n} slice{'s' * (n > 1)}" for n in range(1, SLICES + 1))
    lines = [
        f"| chip | readings | written | {heads} | floor | products |",
        "|---" * (SLICES + 5) + "|",
    ]
    for (case, way), found in results.items():
        reading = f"{case.readings} at {case.read_voltage} V"
        errors = np.median([one.error for one in found], axis=0)
        floor = np.median([one.floor[-1] for one in found])
        product = np.median([one.product for one in found])
        cells = " | ".join(f"{one:.1e}" for one in (*errors, floor, product))
        lines.append(f"| {case.title} | {reading} | {way} | {cells} |")
    return "\n".join(lines)


def draw(path: Path, results: Results) -> None:
    """Draw the errors over the number of slices; stuck cells are only in the table."""
    shown = [case for case in CASES if not case.stuck]
    with figure_file(path, 3.2, "") as figure:
        panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
        for axes, case in zip(panels, shown, strict=True):
            count = np.arange(1, SLICES + 1)
            for way, colour in zip(case.ways, (BLUE, ORANGE), strict=True):
                found = results[case, way]
                errors = np.median([one.error for one in found], axis=0)
                axes.plot(count, errors, "o-", color=colour, label=way)
            floor = np.median([one.floor for one in found], axis=0)
            axes.plot(count, floor, ":", color=GREY, label="floor of the reading")
            axes.set(yscale="log", xlabel="Slices", title=case.chip, xticks=count)
        panels[0].set_ylabel("Error, rms of full scale")
        panels[0].legend()


def main() -> int:
    """Write on all chips, print the table and draw it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3, help="chips of each kind")
    parser.add_argument("--out", type=Path, default=Path("memlab-runs/residual-slices.png"))
    options = parser.parse_args()
    results = {
        (case, way): [store(case, way, seed) for seed in range(1, options.seeds + 1)]
        for case in CASES
        for way in case.ways
    }
    print(f"{table(results)}\n\nMedians of {options.seeds} chips of each kind.")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    draw(options.out, results)
    print(f"picture {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
