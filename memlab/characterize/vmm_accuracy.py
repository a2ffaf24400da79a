"""VMM accuracy: currents of random vectors against the matrix that was read back.

Cells are programmed to random levels and read; random vectors of several amplitudes are multiplied
at several gains. The error of a current is what was measured less V @ G of the matrix read back,
both as a user gets them. Its parts are told apart by measurements, not by a model of the board:

    quantisation   step^2 / 12 of the current, and V^2 @ step^2 / 12 of the matrix
    noise          scatter of repeated products, and V^2 @ scatter^2 / reads of the matrix
    offset         how much less the error is when what flows at 0 V is taken off both
    rest           what is left: bending, gains that do not match, settling, drift

Wires take no part in it: the network is linear, so that reads and products lose the same. What they
take from the cells themselves, `wire_loss`, needs their resistance (see the procedure `wires`).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from drivers.board import AUTO_GAIN
from memlab.array import Measurement
from memlab.characterize.bench import Bench
from memlab.characterize.codes import driven_voltage, value_step
from memlab.characterize.procedure import Demand, Procedure, ProcedureConfig
from memlab.characterize.wire_fit import Resistances, WireModel
from memlab.errors import SaturationWarning
from memlab.runs import Coordinate, Findings, Record

__all__ = ["PROCEDURE", "VmmAccuracy", "VmmAccuracyConfig"]

FloatArray = npt.NDArray[np.float64]

_ZEROS = -1.0
"""Value of the coordinate `pattern` of vectors of zeros."""

_INVERSIONS = 12


class VmmAccuracyConfig(ProcedureConfig):
    """Settings of the accuracy test."""

    gate_minimum: float = Field(0.8, description="Lowest gate voltage of the SETs in V.", ge=0)
    gate_maximum: float = Field(2.0, description="Highest gate voltage of the SETs in V.", gt=0)
    amplitudes: tuple[float, ...] = Field(
        (0.05, 0.1, 0.2), description="Vectors are uniform between minus and plus these, in V."
    )
    gains: tuple[int, ...] = Field((0, 1, 2), description="Gains; 0 is automatic, the first counts")
    patterns: int = Field(50, description="Random vectors of each amplitude.", ge=2)
    repeats: int = Field(4, description="Repeats of each product.", ge=2)
    reads: int = Field(8, description="Reads of the matrix; their mean is used.", ge=2)
    wire_resistance: float = Field(
        0.0, description="Of one segment in ohm, as found by `wires`; 0: not known.", ge=0
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


class VmmAccuracy(Procedure[VmmAccuracyConfig]):
    """The accuracy test (see the module's documentation)."""

    name = "vmm-accuracy"
    title = "VMM accuracy against the matrix read back"
    Config = VmmAccuracyConfig
    vector_coordinates: ClassVar = {
        "pattern": Coordinate("1", "Number of the random vector; -1: zeros"),
        "amplitude": Coordinate("V", "Largest row voltage of the vector"),
        "set_gain": Coordinate("1", "Gain that was asked for; 0: automatic"),
    }

    def demands(self) -> Sequence[Demand]:
        """Return the highest SET and the largest vectors."""
        config = self.config
        return (Demand(config.gate_maximum, {"read_voltage": max(config.amplitudes)}),)

    def measure(self, bench: Bench) -> None:
        """Program random levels, read them, multiply random vectors."""
        config = self.config
        rng = np.random.default_rng(config.seed)
        gate = rng.uniform(config.gate_minimum, config.gate_maximum, bench.shape)
        bench.program(bench.on_pulse_steps(gate), reset=bench.mask)
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
    ) -> dict[str, FloatArray]:
        """Return mean squares of each column, and means, by name: shape (columns,)."""
        voltage = driven_voltage(products)
        squared = voltage**2
        current = np.array([one.value for one in products])
        current[np.array([one.saturated for one in products])] = np.nan
        error = current - voltage @ matrix.mean
        step = np.array([value_step(one) for one in products])
        quantisation = _mean(step**2) / 12.0
        # One row of this array for each pattern, its repeats side by side.
        repeated = current.reshape(-1, self.config.repeats, current.shape[1])
        scatter = _mean(repeated.var(axis=1, ddof=1))
        drive = voltage.sum(axis=1, keepdims=True) / self.config.point.read_voltage
        total, without_offset = (
            _mean(error**2),
            _mean((error - offsets[0] + drive * offsets[1]) ** 2),
        )
        parts = {
            "total": total,
            "quantisation": quantisation + _mean(squared @ matrix.quantisation),
            "noise": np.maximum(scatter - quantisation, 0.0) + _mean(squared @ matrix.noise),
            "offset": np.maximum(total - without_offset, 0.0),
        }
        known = parts["quantisation"] + parts["noise"]
        return {
            **parts,
            "rest": np.maximum(without_offset - known, 0.0),
            "wire_loss": _mean((voltage @ (cells - matrix.mean)) ** 2),
            "current": _mean(current**2),
            "bias": _mean(error),
            "saturated": np.isnan(current).mean(axis=0),
        }

    def _findings(self, compared: npt.NDArray[np.object_]) -> Findings:
        config = self.config
        findings = Findings()
        findings.axis("amplitude", np.array(config.amplitudes), "V", "Largest row voltage")
        findings.axis("gain", np.array(config.gains), "1", "Gain; 0: automatic")
        dims = ("amplitude", "gain", "column")
        # The columns of each amplitude and gain, by name.
        of = {
            name: np.array([[one[name] for one in row] for row in compared])
            for name in compared[0, 0]
        }
        for name, text in _PARTS.items():
            findings.array(name, np.sqrt(of[name]), dims, "A", f"Rms of each column: {text}")
        findings.array("bias", of["bias"], dims, "A", "Mean error of each column")
        findings.array("current", np.sqrt(of["current"]), dims, "A", "Rms current of each column")
        text = "Share of the currents beyond the amplifiers' range; left out"
        findings.array("saturated", of["saturated"], dims, "1", text)
        strongest = int(np.argmax(config.amplitudes)), 0
        current = float(_mean(of["current"][strongest])) ** 0.5
        samples = config.patterns * of["total"].shape[-1]
        for name, text in _PARTS.items():
            value = float(_mean(of[name][strongest])) ** 0.5 / current if current else np.nan
            text = f"{text}, rms, relative to the rms current (largest amplitude, first gain)"
            findings.number(f"{name}_error", value, "1", text, value / (2.0 * samples) ** 0.5)
        return findings


_PARTS = {
    "total": "error of the currents",
    "quantisation": "part by steps of the ADC",
    "noise": "part by noise",
    "offset": "part by what flows at 0 V",
    "rest": "part that is left",
    "wire_loss": "what wires take from the cells; no part of the error",
}


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


PROCEDURE = VmmAccuracy
