"""Multiply voltage vectors of a file by the conductances of an array."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from drivers import stopping
from memlab.array import Measurement
from memlab.array.load_choice import LoadChoice, select
from memlab.array.urls import check_url
from memlab.chip.limit_changes import LimitChanges
from memlab.chip.limits import Limits
from memlab.errors import SettingError
from memlab.kinds import Family, Kind
from memlab.numeric import FloatArray
from memlab.operations.beside import write_beside
from memlab.operations.files import (
    load_numbers,
    output_path,
    save_numbers,
    save_run,
)
from memlab.regions import parse_lines
from memlab.runs import Run
from memlab.session import UNLABELLED, Labels, Session, open_arrays
from memlab.settings import Section

__all__ = ["VmmKind", "multiply"]


_CLIPPED = "1 where the amplifier clipped"


@stopping.stopped_in_order()
def multiply(
    voltages: Path,
    url: str,
    *,
    rows: str = "",
    columns: str = "",
    gain: int = 0,
    load: LoadChoice = LoadChoice.SELECTION,
    out: Path | None = None,
    limits: Limits | LimitChanges | None = None,
    labels: Labels = UNLABELLED,
) -> dict[str, Any]:
    """Measure the column currents (A) of voltage vectors (V) and write them.

    Parameters
    ----------
    voltages
        A .npy file of shape (..., rows chosen), within the read limit.
    url, rows, columns
        Of what; lines as in `parse_lines`, all of them if empty.
    gain
        1..4, or 0 to choose for each reading.
    load
        Which lines take part: those chosen, or all of the array, whose other rows are at 0 V.
    out
        A .npy file for currents of shape (..., columns chosen), or .h5 or .hdf5 for a run file
        with the raw codes; by default a new .npy file in `memlab-runs`. Beside a .npy file lies
        another, with .json behind its name, that says the load.
    limits
        What the chip may see, where its file does not say it.
    labels
        Tags and note of what is written.

    Returns
    -------
    The document of `memlab vmm --json`: file, vectors, shape, saturated readings, load.

    Raises
    ------
    SettingError
        If a file or its shape is wrong; nothing is driven.
    LimitError
        If a voltage is outside the read limit; nothing is driven.
    """
    url = check_url(url)
    vectors = load_numbers(voltages, "voltages")
    out = output_path(out, "vmm")
    with open_arrays([url], limits=limits) as (array,):
        part = select(
            array,
            parse_lines(rows, array.shape[0], "rows"),
            parse_lines(columns, array.shape[1], "columns"),
            load,
        )
        if vectors.ndim == 0 or vectors.size == 0 or vectors.shape[-1] != part.shape[0]:
            raise SettingError(
                f"{voltages} has shape {vectors.shape}; the last axis must be the {part.shape[0]} "
                "rows that are driven (--rows)"
            )
        measurement = part.measure_vmm(vectors, gain=gain)
        if out.suffix == ".npy":
            save_numbers(out, measurement.value)
            known = {"quantity": "current", "units": "A", "board": url}
            n = vectors.size // part.shape[0]
            write_beside(out, measurement.load, **known, **labels.document(), n=n, of="vectors")
        else:
            size = 4 * (vectors.nbytes + measurement.value.nbytes)
            save_run(VmmKind(Section()), out, url, part, (vectors, measurement), size, labels)
    return {
        "out": str(out),
        "board": url,
        "vectors": vectors.size // part.shape[0],
        "shape": list(measurement.value.shape),
        "saturated": int(np.count_nonzero(measurement.saturated)),
        "load": None if measurement.load is None else measurement.load.document(),
    }


class VmmKind(Kind):
    """The operation as a kind of run; what was measured is given to its session."""

    name = "vmm"
    title = "vector-matrix products"
    about = "Multiply voltage vectors by the conductances."
    family = Family.OPERATION

    def run(self, session: Session) -> None:
        """Write what was measured."""
        run, (part,) = session.file, session.arrays
        vectors: FloatArray
        measurement: Measurement
        vectors, measurement = session.given
        flat = vectors.reshape(-1, part.shape[0])
        load = {} if measurement.load is None else measurement.load.attributes()
        run.group("vmm", "NXdata", {"signal": "current", **load})
        run.scale("vmm/vector", np.arange(len(flat)), "1", "Number of the vector, from 0")
        driven, sensed = (
            ("vmm/vector", line) for line in run.scale_lines("vmm", part.rows, part.columns)
        )
        for name, dtype, lines, units, text, values in (
            ("voltage", "f8", driven, "V", "Voltage asked for", flat),
            ("dac_code", part.code_types[0], driven, "1", "Row DAC codes", measurement.dac_code),
            ("current", "f8", sensed, "A", "Column current", measurement.value),
            ("saturated", "u1", sensed, "1", _CLIPPED, measurement.saturated),
            ("adc_code", part.code_types[1], sensed, "1", "Column ADC codes", measurement.adc_code),
            ("gain", "u1", sensed, "1", "Gain numbers of the ADC codes", measurement.gain),
        ):
            if values is not None:
                run.declare(f"vmm/{name}", dtype, lines, units, text)
                run.write(f"vmm/{name}", values.reshape(len(flat), -1))

    @classmethod
    def draw(cls, run: Run, picture: Path) -> bool:
        """Draw what was measured; nothing where the file was not written to its end."""
        from memlab.figures.currents import plot_currents

        plot_currents(run.path, picture)
        return True
