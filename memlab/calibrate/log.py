"""The run file of a calibration: raw codes of every pass, what was found, and what it is worth.

single      one row at a time: nominal voltage and codes at every gain, one item per pass
group       all rows at once: DAC and ADC codes at every gain, one item per pass
calibration the static errors and one standard error of each
check       random vectors: the current that the map read back predicts, and the one measured,
without and with the calibration
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from memlab.array.board_array import BoardArray
from memlab.calibrate.readings import LEVELS, Readings
from memlab.calibrate.settings import CalibrationSettings
from memlab.calibration import Calibration
from memlab.numeric import FloatArray
from memlab.runs import RunFile

__all__ = ["CalibrationLog", "Check"]


_FIELDS = {
    "row_offset": ("V", ("row",), "Voltage of the row DAC at nominal 0 V"),
    "row_gain": ("1", ("row",), "Gain error of the row DAC, relative"),
    "row_inl": ("V", ("row",), "Largest integral nonlinearity of the row DAC"),
    "amplifier_offset": ("V", ("column",), "Voltage of the amplifier's summing node"),
    "adc_offset": ("1", ("gain", "column"), "ADC codes at no current, less amplifier_offset"),
    "transimpedance": ("V/A", ("gain", "column"), "Feedback resistance of the amplifier"),
}


@dataclass(frozen=True, eq=False)
class Check:
    """Products of random vectors against a map that the same board has read.

    Parameters
    ----------
    predicted, measured
        Currents in A, shape (vectors, columns).
    valid
        False where a reading clipped, same shape.
    """

    predicted: FloatArray
    measured: FloatArray
    valid: npt.NDArray[np.bool_]

    @property
    def error(self) -> float:
        """Root mean square of the difference in A."""
        return float(np.sqrt(np.mean((self.measured - self.predicted)[self.valid] ** 2)))


class CalibrationLog:
    """Writes a calibration as it goes.

    Parameters
    ----------
    run
        Its run file, new.
    array
        What is calibrated.
    settings
        How much will be measured.
    """

    def __init__(self, run: RunFile, array: BoardArray, settings: CalibrationSettings):
        self.run = run
        gains = np.arange(1, len(array.board.capabilities.transimpedance) + 1)
        for group, signal, own in (
            ("single", "adc_code", ("row", "level", "gain", "column")),
            ("group", "adc_code", ("vector", "row", "gain", "column")),
            ("calibration", "transimpedance", ("row", "gain", "column")),
            ("check", "measured_after", ("vector", "row", "column")),
        ):
            run.group(group, "NXdata", {"signal": signal})
            for name, values, text in (
                ("row", array.rows, "Row (bit line) of the chip"),
                ("column", array.columns, "Column (top electrode) of the chip"),
                ("gain", gains, "Gain number"),
                ("level", np.arange(LEVELS), "Number of the voltage of a row"),
                (
                    "vector",
                    np.arange(settings.checks if group == "check" else settings.vectors),
                    "Number of the vector",
                ),
            ):
                if name in own:
                    run.scale(f"{group}/{name}", values, "1", text)
        for group in ("single", "group"):
            run.scale(f"{group}/pass", None, "1", "Number of the pass, from 0")
        self._declare("single", "voltage", "f8", ("pass", "row", "level"), "V", "Nominal", 1)
        single = ("pass", "row", "level", "gain", "column")
        self._declare("single", "adc_code", array.code_types[1], single, "1", "ADC codes", 1)
        self._declare(
            "group", "dac_code", array.code_types[0], ("pass", "vector", "row"), "1", "DAC codes", 1
        )
        group_code = ("pass", "vector", "gain", "column")
        self._declare("group", "adc_code", array.code_types[1], group_code, "1", "ADC codes", 1)
        for name, (units, dims, text) in _FIELDS.items():
            self._declare("calibration", name, "f8", dims, units, text)
            error = f"One standard error of {name}; NaN: cannot be known this way"
            self._declare("calibration", f"{name}_error", "f8", dims, units, error)
        self._declare("check", "voltage", "f8", ("vector", "row"), "V", "Row voltages wanted")
        for state, text in (("before", "without"), ("after", "with")):
            for what in ("predicted", "measured"):
                self._declare(
                    "check",
                    f"{what}_{state}",
                    "f8",
                    ("vector", "column"),
                    "A",
                    f"Column current {what}, {text} the calibration",
                )
        run.start()

    def add_pass(self, number: int, readings: Readings) -> None:
        """Write one pass."""
        run = self.run
        run.append("single/voltage", readings.single_voltage)
        run.append("single/adc_code", readings.single_code)
        run.append("group/dac_code", readings.group_dac_code)
        run.append("group/adc_code", readings.group_code)
        for group in ("single", "group"):
            run.append(f"{group}/pass", [number])
        run.flush()

    def add_result(self, calibration: Calibration) -> None:
        """Write what was found."""
        for part, ending in ((calibration.record, ""), (calibration.uncertainty, "_error")):
            for name, values in part.arrays().items():
                self.run.write(f"calibration/{name}{ending}", values)
        self.run.flush()

    def add_checks(self, voltage: FloatArray, before: Check, after: Check) -> None:
        """Write the comparison."""
        self.run.write("check/voltage", voltage)
        for state, check in (("before", before), ("after", after)):
            self.run.write(f"check/predicted_{state}", check.predicted)
            self.run.write(f"check/measured_{state}", np.where(check.valid, check.measured, np.nan))
        self.run.flush()

    def _declare(
        self,
        group: str,
        name: str,
        dtype: str,
        dims: tuple[str, ...],
        units: str,
        text: str,
        chunk: int | None = None,
    ) -> None:
        scales = tuple(f"{group}/{dim}" for dim in dims)
        self.run.declare(f"{group}/{name}", dtype, scales, units, text, chunk)
