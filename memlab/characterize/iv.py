"""Quasi-static I-V of single cells through their gates: SET 0 -> V -> 0, RESET 0 -> V -> 0, cycles.

The board cannot sense during a pulse. So the sweep is a train of pulses whose amplitude rises and
falls, with a reading after each: the current at an amplitude V is not measured but taken as G V,
with the conductance G found right after the pulse. Within the read range the current is measured,
by multiplication at several voltages, in both states of every cycle.

When a sweep is half done depends on its steps, since every pulse adds to what those before have
done. So what single pulses do is reported besides (`single_pulse`): that is of cells and pulse
width alone.

Cells of a line deviate together (`clusters`), and what steps of the ADC do to cells that all lie on
the same step is in the errors. The conductances are those of the measured curves, so that what an
amplifier adds at 0 V is not in them.

A cell whose current so estimated reaches `maximum_current` gets no higher amplitude in that sweep:
the cut-off of a parameter analyser. In SET the gate limits the current besides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field

from drivers.board import AUTO_GAIN
from memlab.analysis.clusters import Lines, mean_over_cells
from memlab.analysis.single_pulse import SinglePulses, single_pulses
from memlab.analysis.statistics import on_map, shared_rounding
from memlab.characterize.bench import Bench
from memlab.characterize.codes import driven_voltage, value_step
from memlab.characterize.procedure import Demand, Procedure, ProcedureConfig
from memlab.errors import SettingError
from memlab.kinds import Quantity
from memlab.numeric import BoolArray, FloatArray
from memlab.runs import Coordinate, Findings, Record
from memlab.setting_units import Amperes, Volts

__all__ = ["IV", "IVConfig"]


_CONDUCTS = 0.1
"""Part of the middle slope from which the bending of a cell is told."""


class IVConfig(ProcedureConfig):
    """Settings of the sweep."""

    cycles: int = Field(5, description="SET and RESET sweeps of each cell.", ge=1)
    set_maximum: Volts = Field(2.5, description="Largest SET amplitude.", gt=0)
    reset_maximum: Volts = Field(1.7, description="Largest RESET amplitude.", gt=0)
    steps: int = Field(17, description="Amplitudes up to the largest; as many go down.", ge=3)
    gate_voltage: Volts = Field(1.2, description="Gate voltage of SET: the compliance.", gt=0)
    maximum_current: Amperes = Field(
        1.5e-3,
        description="A cell whose current reaches this gets no higher amplitude.",
        gt=0,
    )
    read_points: int = Field(
        9, description="Voltages of the measured curve, from -read_voltage to it.", ge=3
    )
    maximum_cells: int = Field(64, description="More cells are refused.", ge=1)


_CELLS = ("cycle", "row", "column")


class SweepQuantities:
    """What is found of the sweeps of one operation.

    Parameters
    ----------
    name
        `set` or `reset`.
    """

    def __init__(self, name: str):
        what = name.upper()
        self.name = name
        self.amplitude = Quantity(f"{name}_amplitude", "V", f"Amplitude of a {what} pulse")
        text = f"Part of what is left that one {what} pulse does; NaN: too little is left"
        self.part = Quantity(f"{name}_part", "1", text, (self.amplitude.name,))
        text = f"Amplitude from which one {what} pulse does"
        self.onset = Quantity(f"{name}_onset", "V", f"{text} a twentieth of the way")
        self.voltage = Quantity(f"{name}_voltage", "V", f"{text} half of the way")
        text = f"Mean amplitude at which a {what} sweep is half done"
        self.sweep_voltage = Quantity(f"{name}_sweep_voltage", "V", text)
        text = f"Cycle to cycle: standard deviation of {name}_sweep_voltage of a cell"
        self.voltage_spread = Quantity(f"{name}_voltage_spread", "V", text)
        text = (
            f"Amplitude at which the {what} sweep of a cycle is half done; NaN: it did not switch"
        )
        self.cell_voltage = Quantity(f"cell_{name}_voltage", "V", text, _CELLS)

    def all(self) -> tuple[Quantity, ...]:
        """Return them, the most important first."""
        numbers = (self.voltage, self.onset, self.sweep_voltage, self.voltage_spread)
        return (*numbers, self.amplitude, self.part, self.cell_voltage)


SET, RESET = SweepQuantities("set"), SweepQuantities("reset")
CYCLE = Quantity("cycle", "1", "Number of the cycle, from 0")
_AFTER = "Mean conductance after {} sweeps: current per volt at +- the read voltage"
LOW_CONDUCTANCE = Quantity("low_conductance", "S", _AFTER.format("RESET"))
HIGH_CONDUCTANCE = Quantity("high_conductance", "S", _AFTER.format("SET"))
NONLINEARITY = Quantity(
    "nonlinearity", "1", "Mean of b V^2 / a of I = a V + b V^3 at the read voltage, after SET"
)


class IV(Procedure[IVConfig]):
    """The sweep (see the module's documentation)."""

    name = "iv"
    title = "Quasi-static I-V: SET and RESET sweeps"
    about = "SET and RESET sweeps of single cells, several cycles, current cut-off."
    Config = IVConfig
    quantities: ClassVar = (
        *SET.all(),
        *RESET.all(),
        LOW_CONDUCTANCE,
        HIGH_CONDUCTANCE,
        NONLINEARITY,
        CYCLE,
    )
    picture = "memlab.characterize.pictures.iv"
    needs_gates = ""
    coordinates: ClassVar = {
        "cycle": Coordinate("1", "Number of the cycle, from 0"),
        "voltage": Coordinate("V", "Amplitude before the reading: SET positive, RESET negative"),
        "rising": Coordinate("1", "1 while the magnitude rises, 0 while it falls"),
    }
    vector_coordinates: ClassVar = {
        "cycle": Coordinate("1", "Number of the cycle, from 0"),
        "after_set": Coordinate("1", "1 after the SET sweep, 0 after the RESET sweep"),
        "line": Coordinate("1", "Number in the map of the only row that is driven"),
        "drive": Coordinate("V", "Its voltage"),
    }

    def check_cells(self, cells: int) -> None:
        """Refuse more than `maximum_cells`: the sweep takes hundreds of readings."""
        if cells > self.config.maximum_cells:
            raise SettingError(
                f"iv sweeps at most {self.config.maximum_cells} cells and {cells} are chosen: name "
                "some, for example --cells 3,5 --cells 10,20 (or --set maximum_cells=...)"
            )

    def demands(self) -> list[Demand]:
        """Return the tops of both sweeps."""
        set_, reset = self.config.set_maximum, self.config.reset_maximum
        return [
            Demand(self.config.gate_voltage, {"set_voltage": set_}),
            Demand(point={"reset_voltage": reset}),
        ]

    def measure(self, bench: Bench) -> None:
        """RESET all; then each cycle SETs and RESETs with rising and falling amplitude."""
        none = np.zeros(bench.shape, bool)
        bench.program(0.0, reset=bench.mask, set=none)
        for cycle in range(self.config.cycles):
            for sign, largest in (
                (1.0, self.config.set_maximum),
                (-1.0, self.config.reset_maximum),
            ):
                self._sweep(bench, cycle, sign, largest)
                self._multiply(bench, cycle, float(sign > 0.0))

    def _sweep(self, bench: Bench, cycle: int, sign: float, largest: float) -> None:
        """Pulse with rising, then falling amplitude, and read after each step."""
        none = np.zeros(bench.shape, bool)
        up = bench.on_pulse_steps(np.linspace(0.0, largest, self.config.steps + 1)[1:])
        highest = np.full(bench.shape, np.inf)
        reading = bench.read(cycle=cycle, voltage=0.0, rising=1.0)
        for k, amplitude in enumerate(np.concatenate([up, up[-2::-1]]).tolist()):
            rising = k < up.size
            chosen = bench.mask & (amplitude <= highest)
            if sign > 0.0:
                bench.program(self.config.gate_voltage, set=chosen, set_voltage=amplitude)
            else:
                bench.program(0.0, reset=chosen, set=none, reset_voltage=amplitude)
            reading = bench.read(cycle=cycle, voltage=sign * amplitude, rising=float(rising))
            reached = chosen & (reading * amplitude >= self.config.maximum_current)
            highest[reached] = np.minimum(highest[reached], amplitude)

    def _multiply(self, bench: Bench, cycle: int, after_set: float) -> None:
        """Measure currents within the read range: each row by itself, at every voltage.

        All at the gain that the reading before took for the largest: a curve that goes over from
        one feedback resistor to the next has a kink there, which would be held for bending.
        """
        used = bench.record.readings.measurements[bench.readings - 1].gain
        gain = AUTO_GAIN if used is None else int(used[bench.mask].min())
        limit = self.config.point.read_voltage
        lines = np.flatnonzero(bench.mask.any(axis=1))
        curve = bench.on_input_steps(np.linspace(-limit, limit, self.config.read_points))
        voltage = np.tile(curve, lines.size)
        line = np.repeat(lines, self.config.read_points)
        vectors = np.zeros((line.size, bench.shape[0]))
        vectors[np.arange(line.size), line] = voltage
        bench.vmm(
            vectors,
            gain=gain,
            cycle=cycle,
            after_set=after_set,
            line=line.astype(float),
            drive=voltage,
        )

    def analyse(self, record: Record) -> Findings:
        """Return the amplitudes at which each cell switched in each cycle, and their spread."""
        config = self.config
        points = 2 * config.steps
        sweeps = record.conductance.reshape(config.cycles, 2, points, -1)
        voltage = record.readings.coordinate("voltage").reshape(config.cycles, 2, points)
        lines = Lines.of(record.mask)
        step = _reading_step(record)
        findings = Findings()
        findings.add_axis(CYCLE, np.arange(config.cycles))
        for k, (operation, sign) in enumerate(((SET, 1.0), (RESET, -1.0))):
            rising = slice(0, config.steps + 1)
            moved = sign * (sweeps[:, k] - sweeps[:, k, :1])
            amplitude = np.abs(voltage[0, k, rising])
            half = _crossing(amplitude, moved[:, rising], 0.5 * moved[:, -1])
            # Cells whose sweep ended where it began did not switch: noise crosses anything.
            switched = moved[:, -1] >= 0.2 * np.median(np.abs(moved[:, -1]))
            half[~switched] = np.nan
            # A step of the readings, as an amplitude: by the steepest part of the sweep.
            steepest = np.diff(np.median(moved[:, rising], axis=(0, 2))).max(initial=0.0)
            volts = step * float(amplitude[1]) / steepest if steepest > 0.0 else 0.0
            self._add(findings, record.mask, operation, half, min(volts, float(amplitude[1])))
            whole = np.concatenate([moved[:, rising], moved[:, -1:]], axis=1).swapaxes(0, 1)
            pulses = single_pulses(amplitude, whole[:, switched], step)
            self._add_single(findings, operation, pulses)
        self._add_curves(findings, record, lines)
        return findings

    def _add_single(
        self, findings: Findings, operation: SweepQuantities, pulses: SinglePulses
    ) -> None:
        """Amplitudes from which one pulse does a part of what is left: of no sweep of its own."""
        of = "sweeps of cells that switched"
        width = getattr(self.config.point, f"{operation.name}_width")
        findings.add_axis(operation.amplitude, pulses.amplitude)
        findings.add(operation.part, pulses.part, pulses.error)
        for quantity, part in ((operation.onset, 0.05), (operation.voltage, 0.5)):
            found = pulses.reaching(part)
            text = quantity.description.replace(" pulse ", f" pulse of {width:.2g} s ")
            findings.add(
                quantity.saying(text), found.value, found.error,
                n=pulses.sweeps, of=of, interval=found.interval, why=found.why,
            )  # fmt: skip

    def _add(
        self,
        findings: Findings,
        mask: BoolArray,
        operation: SweepQuantities,
        half: FloatArray,
        step: float,
    ) -> None:
        """How far sweeps came: of these steps, and of no others; a reading's step in V."""
        switched, largest = np.isfinite(half), getattr(self.config, f"{operation.name}_maximum")
        sweep = f" sweep of {self.config.steps} steps up to {largest:.3g} V "
        mean_voltage = operation.sweep_voltage
        mean_voltage = mean_voltage.saying(mean_voltage.description.replace(" sweep ", sweep))
        n, of = int(switched.sum()), "sweeps of cells that switched"
        count = switched.sum(axis=0)
        mean = np.nansum(half, axis=0) / np.maximum(count, 1)
        value, error = _mean(half, Lines.of(mask), shared_rounding(step, 0.0))
        why = "" if n else "no cell switched"
        _add_mean(findings, mean_voltage, value, error, n, of, why)
        freedom = int(np.maximum(count - 1, 0).sum())
        if freedom:
            squares = float(np.nansum((half - mean) ** 2)) / freedom
            # Cycles that end on the same step do not show what lies below it.
            error = float(
                np.hypot((0.5 * squares / freedom) ** 0.5, shared_rounding(step, squares))
            )
            findings.add(operation.voltage_spread, squares**0.5, error, n=n, of=of)
        else:
            why = why or "no cell switched twice"
            findings.add_undetermined(operation.voltage_spread, why, n=n, of=of)
        findings.add(operation.cell_voltage, on_map(mask, half))

    def _add_curves(self, findings: Findings, record: Record, lines: Lines) -> None:
        """Conductance in both states, and bending after SET, of the curves that were measured."""
        of = f"cells, mean of {self.config.cycles} cycles"
        for quantity, state in ((LOW_CONDUCTANCE, 0.0), (HIGH_CONDUCTANCE, 1.0)):
            curves = self._curves(record, state)
            chords = curves.chords()
            step = curves.rounding() / (2.0**0.5 * curves.voltage[-1])
            value, error = _mean(chords, lines, step)
            _add_mean(findings, quantity, value, error, lines.row.size, of)
        ratio, step = curves.bending()
        # A ratio of currents of the same amplifier: the scale of a line is not in it.
        value, error = _mean(ratio, lines, step, scale=0.0)
        n = int(np.isfinite(ratio).any(axis=0).sum())
        why = "" if n else "no cell conducts after SET"
        _add_mean(findings, NONLINEARITY, value, error, n, of, why)

    def _curves(self, record: Record, after_set: float) -> _Curves:
        """Return the currents of the chosen cells in one of the two states."""
        count, vectors = self.config.read_points, record.vectors
        which = np.flatnonzero(vectors.coordinate("after_set") == after_set)
        line = vectors.coordinate("line")[which][::count].astype(int)
        chosen = [vectors.measurements[k] for k in which]
        lines = line.size // self.config.cycles
        current = vectors.value[which].reshape(self.config.cycles, lines, count, -1)
        own = record.mask[line[:lines]]
        steps = np.array([value_step(one) for one in chosen])
        return _Curves(
            # The voltages that the DAC made, which are a little off those asked for.
            driven_voltage(chosen[:count])[:, line[0]],
            np.moveaxis(current, 2, 1)[:, :, own],
            float(np.nanmedian(steps)) if np.isfinite(steps).any() else 0.0,
        )


@dataclass(frozen=True, eq=False)
class _Curves:
    """Voltages (V) from the lowest to the highest, (points,), and currents (A) of the cells.

    The currents have shape (cycles, points, cells); a step of the ADC is worth `step` (A).
    """

    voltage: FloatArray
    current: FloatArray
    step: float

    def chords(self) -> FloatArray:
        """Current per volt between both ends (S), in which no offset is, shape (cycles, cells)."""
        rise: FloatArray = self.current[:, -1] - self.current[:, 0]
        chords: FloatArray = rise / (self.voltage[-1] - self.voltage[0])
        return chords

    def rounding(self) -> float:
        """Return the error (A) that steps of the ADC leave in all cells and cycles alike."""
        return shared_rounding(self.step, float(self.current[:, -1].var()))

    def bending(self) -> tuple[FloatArray, float]:
        """Return how much more than in proportion flows at the highest voltage, and its rounding.

        Returns
        -------
        b V^2 / a, shape (cycles, cells), NaN where nothing flows; and one standard error of what
        is rounded alike in all.
        """
        v, count = self.voltage, self.voltage.size
        # I = a V + b V^3, and a constant for the offset of the amplifier. What a sinh has beyond,
        # 0.3 b^2 / a V^5 + ..., is taken from the ratio found first: the sum would be held for b.
        ratio, cells, step = 0.0, np.empty(0), 0.0
        for _ in range(3):
            cubic = v**3 + 0.3 * ratio * v**5 + 216 / 5040 * ratio**2 * v**7
            take = np.linalg.pinv(np.column_stack([v, cubic, np.ones(count)]))
            slope, bent = np.moveaxis(take[:2] @ self.current, 1, 0)
            middle = float(np.median(slope))
            # Of cells that hardly conduct the ratio would be one of noise.
            conducts = slope > _CONDUCTS * middle if middle > 0.0 else np.zeros(slope.shape, bool)
            with np.errstate(divide="ignore", invalid="ignore"):
                cells = np.where(conducts, bent / slope, np.nan)
            if not conducts.any():
                break
            ratio = max(float(np.nanmedian(cells)), 0.0)
            step = self.rounding() * float(np.linalg.norm(take[1])) / middle
        return cells * v[-1] ** 2, step * float(v[-1]) ** 2


def _reading_step(record: Record) -> float:
    """Return what one code of the ADC is worth in readings of cells that conduct, in S."""
    steps = np.array([value_step(one)[record.mask] for one in record.readings.measurements])
    return float(np.nanmedian(steps)) if np.isfinite(steps).any() else 0.0


def _mean(
    values: FloatArray, lines: Lines, step: float, scale: float | None = None
) -> tuple[float, float]:
    """Return the mean over cells of what each shows in its cycles, (cycles, cells), and its error.

    `step`, `scale`: see `mean_over_cells`. Of one cell the cycles show the error.
    """
    count = np.isfinite(values).sum(axis=0)
    cells = count > 0
    if cells.sum() == 1:
        own = values[:, cells]
        own = own[np.isfinite(own)]
        nowhere = np.zeros(own.size, np.intp)
        return mean_over_cells(own, Lines(nowhere, nowhere), scale, step)
    means = np.nansum(values[:, cells], axis=0) / count[cells]
    return mean_over_cells(means, Lines(lines.row[cells], lines.column[cells]), scale, step)


def _add_mean(
    findings: Findings,
    quantity: Quantity,
    value: float,
    error: float,
    n: int,
    of: str,
    why: str = "",
) -> None:
    """Add a mean, or why there is none."""
    if not why and not np.isfinite(error):
        why = "one cycle of one cell tells nothing of the error"
    findings.add(quantity, value, error, n=n, of=of, why=why)


def _crossing(x: FloatArray, y: FloatArray, level: FloatArray) -> FloatArray:
    """Return x where y (cycles, points, cells) first reaches level (cycles, cells)."""
    reached = y >= level[:, np.newaxis]
    first = np.argmax(reached, axis=1)
    before = np.maximum(first - 1, 0)
    low, high = (np.take_along_axis(y, k[:, np.newaxis], axis=1)[:, 0] for k in (before, first))
    part = np.divide(level - low, high - low, out=np.zeros_like(low), where=high > low)
    crossing: FloatArray = x[before] + part * (x[first] - x[before])
    return np.where(reached.any(axis=1) & (level > 0.0), crossing, np.nan)
