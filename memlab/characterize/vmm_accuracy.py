"""VMM accuracy: currents of random vectors against the matrix that was read back.

Cells are programmed to random levels and read; random vectors of several amplitudes are multiplied
at several gains. The error of a current is what was measured less V @ G of the matrix read back,
both as a user gets them. Its parts are told apart by measurements, not by a model of the board:

    quantisation   step^2 / 12 of the current, and V^2 @ step^2 / 12 of the matrix
    noise          scatter of repeated products, and V^2 @ scatter^2 / reads of the matrix
    offset         how much less the error is when what flows at 0 V is taken off both
    rest           what is left: bending, gains that do not match, settling, drift

The errors are those of the random vectors that were drawn: all columns see the same ones, and err
together. Wires take no part in it: the network is linear, so that reads and products lose the same.
What they take from the cells themselves, `wire_loss`, needs their resistance (see the procedure
`wires`).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from drivers.board import AUTO_GAIN
from memlab.analysis.wire_fit import Resistances, WireModel
from memlab.array import Measurement, nearest_step
from memlab.characterize.bench import Bench
from memlab.characterize.codes import driven_voltage, value_step
from memlab.characterize.levels import LevelsConfig
from memlab.characterize.procedure import Demand, Procedure
from memlab.errors import SaturationWarning
from memlab.kinds import Quantity
from memlab.numeric import FloatArray
from memlab.runs import Coordinate, Findings, Record
from memlab.setting_units import Ohms, Volts, in_unit

__all__ = ["VmmAccuracy", "VmmAccuracyConfig"]


_ZEROS = -1.0
"""Value of the coordinate `pattern` of vectors of zeros."""

_INVERSIONS = 12

_AMPLITUDE_STEP = 0.02
"""V between SET amplitudes of cells without gates: a choice."""

_SATURATED = "of the currents within the range alone: `saturated` says how many were beyond"

_ROUNDING = 1e-12
"""Relative error that sums of floats may have; no converter has as many steps."""

_EXACT = "no error is seen: all currents lie on steps of the converter, as of cells that are off"


class VmmAccuracyConfig(LevelsConfig):
    """Settings of the accuracy test."""

    gate_minimum: Volts = Field(0.8, description="Lowest gate voltage of the SETs.", ge=0)
    gate_maximum: Volts = Field(2.0, description="Highest gate voltage of the SETs.", gt=0)
    amplitudes: Annotated[tuple[float, ...], in_unit("V")] = Field(
        (0.05, 0.1, 0.2), description="Vectors are uniform between minus and plus these."
    )
    gains: tuple[int, ...] = Field(
        (0, 1, 2), description="Gains; 0 is automatic, the first counts."
    )
    patterns: int = Field(50, description="Random vectors of each amplitude.", ge=2)
    repeats: int = Field(4, description="Repeats of each product.", ge=2)
    reads: int = Field(8, description="Reads of the matrix; their mean is used.", ge=2)
    wire_resistance: Ohms = Field(
        0.0, description="Of one segment, as found by `wires`; 0: not known.", ge=0
    )

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if not self.gate_minimum <= self.gate_maximum:
            raise ValueError("gate_minimum <= gate_maximum must hold (V)")
        if not self.amplitudes or min(self.amplitudes) <= 0.0:
            raise ValueError("amplitudes must be positive (V)")
        if not self.gains or not set(self.gains) <= {0, 1, 2, 3, 4}:
            raise ValueError("gains must be of 0 (automatic), 1, 2, 3, 4")
        return self


AMPLITUDE = Quantity("amplitude", "V", "Largest row voltage")
GAIN = Quantity("gain", "1", "Gain; 0: automatic")
_PARTS = {
    "total": "error of the currents",
    "quantisation": "part by steps of the ADC",
    "noise": "part by noise",
    "offset": "part by what flows at 0 V",
    "rest": "part that is left",
    "wire_loss": "what wires take from the cells; no part of the error",
}
_COLUMNS = ("amplitude", "gain", "column")
PART = {
    name: Quantity(name, "A", f"Rms of each column: {text}", _COLUMNS)
    for name, text in _PARTS.items()
}
RELATIVE = {
    name: Quantity(
        f"{name}_error",
        "1",
        f"{text}, rms, relative to the rms current (largest amplitude, first gain)",
    )
    for name, text in _PARTS.items()
}
BIAS = Quantity("bias", "A", "Mean error of each column", _COLUMNS)
CURRENT = Quantity("current", "A", "Rms current of each column", _COLUMNS)
SATURATED = Quantity(
    "saturated", "1", "Share of the currents beyond the amplifiers' range; left out", _COLUMNS
)


class VmmAccuracy(Procedure[VmmAccuracyConfig]):
    """The accuracy test (see the module's documentation)."""

    name = "vmm-accuracy"
    title = "VMM accuracy against the matrix read back"
    about = "Error of products against the matrix read back, and what it is made of."
    Config = VmmAccuracyConfig
    quantities: ClassVar = (
        *RELATIVE.values(),
        AMPLITUDE,
        GAIN,
        *PART.values(),
        BIAS,
        CURRENT,
        SATURATED,
    )
    picture = "memlab.characterize.pictures.vmm_accuracy"
    needs_gates = ""
    vector_coordinates: ClassVar = {
        "pattern": Coordinate("1", "Number of the random vector; -1: zeros"),
        "amplitude": Coordinate("V", "Largest row voltage of the vector"),
        "set_gain": Coordinate("1", "Gain that was asked for; 0: automatic"),
    }

    @property
    def models_wires(self) -> bool:
        """Whether it computes what wires take."""
        return self.config.wire_resistance > 0.0

    def demands(self) -> Sequence[Demand]:
        """Return the highest SET and the largest vectors."""
        config = self.config
        return (Demand(config.gate_maximum, {"read_voltage": max(config.amplitudes)}),)

    def measure(self, bench: Bench) -> None:
        """Program random levels, read them, multiply random vectors."""
        config = self.config
        rng = np.random.default_rng(config.seed)
        ends = config.gate_minimum, config.gate_maximum
        gate = bench.on_pulse_steps(rng.uniform(*ends, bench.shape))
        controls = config.controls(self.control, gate, ends)
        if not self.control.gates:  # cells that share an amplitude are pulsed together
            controls = nearest_step(controls, _AMPLITUDE_STEP)
        bench.program_to(controls, reset=bench.mask)
        for _ in range(config.reads):
            bench.read()
        patterns = rng.uniform(-1.0, 1.0, (config.patterns, bench.shape[0]))
        number = np.arange(config.patterns, dtype=float).repeat(config.repeats)
        zeros = np.zeros((4 * config.repeats, bench.shape[0]))
        with warnings.catch_warnings():
            # Saturated currents are counted and left out of the errors.
            warnings.simplefilter("ignore", SaturationWarning)
            for gain in sorted({AUTO_GAIN, *config.gains}):
                bench.vmm(zeros, gain=gain, set_gain=float(gain), amplitude=0.0, pattern=_ZEROS)
            for gain in config.gains:
                for amplitude in config.amplitudes:
                    bench.vmm(
                        bench.on_input_steps(amplitude * patterns.repeat(config.repeats, axis=0)),
                        gain=gain,
                        set_gain=float(gain),
                        amplitude=amplitude,
                        pattern=number,
                    )

    def analyse(self, record: Record) -> Findings:
        """Compare, and tell the parts of the error apart."""
        config = self.config
        matrix = _read_back(record)
        cells = self._cells(record, matrix.mean)
        vectors = record.vectors
        of_gain, amplitude = (vectors.coordinate(k) for k in ("set_gain", "amplitude"))
        zero = {
            gain: vectors.value[(of_gain == gain) & (amplitude == 0.0)].mean(axis=0)
            for gain in np.unique(of_gain)
        }
        shape = len(config.amplitudes), len(config.gains)
        compared = np.empty(shape, object)
        for i, j in np.ndindex(shape):
            gain = config.gains[j]
            which = np.flatnonzero((of_gain == gain) & (amplitude == config.amplitudes[i]))
            products = [vectors.measurements[k] for k in which]
            # The matrix was read with automatic gain.
            offsets = zero[gain], zero[AUTO_GAIN]
            compared[i, j] = self._compare(products, matrix, offsets, cells)
        return self._findings(compared)

    def _cells(self, record: Record, matrix: FloatArray) -> FloatArray:
        """Conductance (S) of the cells behind the wires; as read where nothing is known of them."""
        if not self.config.wire_resistance:
            return matrix
        model = WireModel(record.rows, record.columns, record.chip_shape)
        every = np.ones(matrix.shape, bool)
        resistances = Resistances(self.config.wire_resistance)
        return model.cells(matrix, resistances, matrix, every, _INVERSIONS)

    def _compare(
        self,
        products: Sequence[Measurement],
        matrix: _Matrix,
        offsets: tuple[FloatArray, FloatArray],
        cells: FloatArray,
    ) -> _Compared:
        """Compare products with the matrix: squares of each pattern and column, by name."""
        voltage = driven_voltage(products)
        squared = voltage**2
        current = np.array([one.value for one in products])
        current[np.array([one.saturated for one in products])] = np.nan
        error = current - voltage @ matrix.mean
        step = np.array([value_step(one) for one in products])
        repeats = self.config.repeats

        def of_patterns(values: FloatArray) -> FloatArray:
            """Mean over the repeats, which lie side by side; shape (patterns, columns)."""
            mean: FloatArray = values.reshape(-1, repeats, values.shape[1]).mean(axis=1)
            return mean

        quantisation = np.broadcast_to(_mean(step**2) / 12.0, current.shape)
        scatter = current.reshape(-1, repeats, current.shape[1]).var(axis=1, ddof=1)
        drive = voltage.sum(axis=1, keepdims=True) / self.config.point.read_voltage
        total = of_patterns(error**2)
        without_offset = of_patterns((error - offsets[0] + drive * offsets[1]) ** 2)
        # No more noise than there is: of a column that stands still, rounding is all.
        noisy = _mean(scatter) > quantisation[0]
        parts = {
            "total": total,
            "quantisation": of_patterns(quantisation + squared @ matrix.quantisation),
            "noise": np.where(noisy, scatter - of_patterns(quantisation), 0.0)
            + of_patterns(squared @ matrix.noise),
            "offset": total - without_offset,
        }
        parts["rest"] = without_offset - parts["quantisation"] - parts["noise"]
        parts["wire_loss"] = of_patterns((voltage @ (cells - matrix.mean)) ** 2)
        return _Compared(
            parts, of_patterns(current**2), _mean(error), np.isnan(current).mean(axis=0)
        )

    def _findings(self, compared: npt.NDArray[np.object_]) -> Findings:
        config = self.config
        findings = Findings()
        findings.add_axis(AMPLITUDE, np.array(config.amplitudes))
        findings.add_axis(GAIN, np.array(config.gains))

        def each(of: Callable[[_Compared], FloatArray]) -> FloatArray:
            return np.array([[of(one) for one in row] for row in compared])

        for name, quantity in PART.items():
            findings.add(quantity, each(lambda one, name=name: one.rms(name)))  # type: ignore[misc]
        findings.add(BIAS, each(lambda one: one.bias))
        current = each(lambda one: np.sqrt(_mean(one.current)))
        findings.add(CURRENT, current)
        findings.add(SATURATED, each(lambda one: one.saturated))
        strongest = compared[int(np.argmax(config.amplitudes)), 0]
        n, of = config.patterns, f"random vectors, and {current.shape[-1]} columns"
        exact = strongest.relative("total")[0] < _ROUNDING
        for name, quantity in RELATIVE.items():
            value, error = strongest.relative(name)
            why = "" if np.isfinite(value) else "no current flows, or all are beyond the range"
            if exact:
                why = _EXACT
            if name == "wire_loss" and not config.wire_resistance:
                why = "the resistance of the wires is not named: wire_resistance, see `wires`"
            # The square scatters around what it stands for; below zero only an upper end is known.
            ends = None if value else (0.0, 2.0**0.5 * error)
            caveat = _SATURATED if strongest.saturated.any() else ""
            findings.add(quantity, value, error, n=n, of=of, interval=ends, why=why, caveat=caveat)
        return findings


@dataclass(frozen=True, eq=False)
class _Compared:
    """Products of an amplitude and a gain against the matrix.

    Parameters
    ----------
    parts
        Squares (A^2) by name, which scatter around what they stand for: they may be negative.
        Shape (patterns, columns), NaN where a current was beyond the range.
    current
        Its square (A^2), same shape.
    bias, saturated
        Mean error (A) and share beyond the range of each column.
    """

    parts: Mapping[str, FloatArray]
    current: FloatArray
    bias: FloatArray
    saturated: FloatArray

    def rms(self, name: str) -> FloatArray:
        """Rms of a part in each column, in A."""
        rms: FloatArray = np.sqrt(np.maximum(_mean(self.parts[name]), 0.0))
        return rms

    def relative(self, name: str) -> tuple[float, float]:
        """Return the rms of a part over all currents, relative to theirs, and its error.

        For random vectors and these columns: all columns see the same vectors, so that they err
        together.
        """
        known = np.isfinite(self.current) & np.isfinite(self.parts[name])
        part, current = (np.where(known, x, 0.0) for x in (self.parts[name], self.current))
        if not current.sum() > 0.0:
            return np.nan, np.nan
        left = part - part.sum() / current.sum() * current
        # No column has less than nothing of it.
        ratio = float(np.maximum(part.sum(axis=0), 0.0).sum() / current.sum())
        patterns = len(left)
        square = float((left.sum(axis=1) ** 2).sum()) * patterns / (patterns - 1)
        error = max(square, float((left**2).sum())) ** 0.5 / float(current.sum())
        value = ratio**0.5
        return value, 0.5 * error / value if ratio > error else error**0.5


@dataclass(frozen=True, eq=False)
class _Matrix:
    """The matrix read back (S), and the variances of it by quantisation and by noise (S^2)."""

    mean: FloatArray
    quantisation: FloatArray
    noise: FloatArray


def _read_back(record: Record) -> _Matrix:
    values = record.readings.value
    steps = [value_step(one) for one in record.readings.measurements]
    quantisation = _mean(np.array(steps) ** 2) / 12.0
    scatter = values.var(axis=0, ddof=1)
    # Noise larger than a step smears it out, so that steps average as noise does.
    smeared = scatter > quantisation
    n = len(values)
    return _Matrix(
        values.mean(axis=0),
        np.where(smeared, quantisation / n, quantisation),
        np.maximum(scatter - quantisation, 0.0) / n,
    )


def _mean(values: FloatArray) -> FloatArray:
    """Mean along the first axis without NaN; 0 where there is nothing else."""
    known = np.isfinite(values)
    mean: FloatArray = np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return mean
