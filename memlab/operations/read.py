"""Read a conductance map into a file and a picture."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np

from drivers import stopping
from memlab.array import Measurement
from memlab.array.load_choice import LoadChoice, select
from memlab.array.urls import check_url
from memlab.chip.limit_changes import LimitChanges
from memlab.chip.limits import Limits
from memlab.chip.load import NOT_RECORDED, told_of_loads
from memlab.kinds import Family, Kind, Quantity
from memlab.operations.beside import write_beside
from memlab.operations.files import output_path, save_numbers, save_run
from memlab.regions import Region
from memlab.runs import Run
from memlab.session import UNLABELLED, Labels, Session, open_arrays
from memlab.settings import Section

__all__ = ["ReadKind", "read_map"]

CONDUCTANCE = Quantity("conductance", "S", "Conductance: median of the cells")

LOGGER = logging.getLogger("memlab.chip.load")


@stopping.stopped_in_order()
def read_map(
    url: str,
    region: Region = Region(),  # noqa: B008 - frozen
    *,
    gain: int = 0,
    load: LoadChoice = LoadChoice.SELECTION,
    out: Path | None = None,
    limits: Limits | LimitChanges | None = None,
    labels: Labels = UNLABELLED,
    figure: bool = True,
) -> dict[str, Any]:
    """Measure conductances (S) and write them; the device is not changed.

    A .npy file holds the whole array with NaN outside the region, so that it can serve as a target
    of `program_target`; what else is known of it, the load above all, lies beside it in a file of
    the same name with .json behind. An HDF5 file holds the lines of the region, with the raw codes
    and the load (`memlab.chip.load`): which rows and gates took part, on which conductances depend
    where wires have resistance.

    Parameters
    ----------
    url, region
        Of what.
    gain
        1..4, or 0 to choose for each reading.
    load
        Which lines take part: those of the region, or all of the array.
    out
        A .npy, .h5 or .hdf5 file; by default a new .npy file in `memlab-runs`.
    limits
        What the chip may see, where its file does not say it.
    labels
        Tags and note of what is written.
    figure
        Whether to draw a picture beside it.

    Returns
    -------
    The document of `memlab read --json`: files, cells, saturated readings, minimum, median and
    maximum of the conductance in S, the load, and `last_map`, the load under which the chip's
    passport has the last map (None without a passport or map).
    A load that differs from that of the last map is also logged (`memlab.chip.load`).
    """
    url = check_url(url)
    out = output_path(out, "read")
    with open_arrays([url], limits=limits) as (array,):
        instrument = array.describe()
        mask = region.pick(array.shape)
        lines = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        part = select(array, *lines, load)
        last_map = None if array.passport is None else array.passport.last_map_loads
        measurement = part.measure_conductance(gain=gain)
        whole = np.full(array.shape, np.nan)
        whole[np.ix_(part.rows, part.columns)] = measurement.value
        whole[~mask] = np.nan
        if out.suffix == ".npy":
            save_numbers(out, whole)
            known = {"quantity": "conductance", "units": "S", "board": url}
            write_beside(
                out,
                measurement.load,
                **known,
                **labels.document(),
                n=int(mask.sum()),
                of="cells read",
            )
        else:
            size, chosen = 4 * measurement.value.nbytes, mask[np.ix_(part.rows, part.columns)]
            save_run(ReadKind(Section()), out, url, part, (measurement, chosen), size, labels)
    # Nothing is compared here, so this is a note (memlab.cli.notes) and no warning.
    what = "this map and the last one in the passport"
    if note := told_of_loads(what, [measurement.load, *(last_map or ())]):
        LOGGER.warning("%s", note)
    picture = out.with_suffix(".png") if figure else None
    if picture is not None:
        from memlab.figures.conductance_map import plot_map
        from memlab.figures.heading import heading_of, place_of, utc

        place, told = place_of([instrument]) or url, str(measurement.load or "")
        plot_map(whole, heading_of("Conductance map", place, out.name, utc(), told), picture)
    values = whole[mask]
    inside = measurement.saturated & mask[np.ix_(part.rows, part.columns)]
    return {
        "out": str(out),
        "figure": None if picture is None else str(picture),
        "board": url,
        "cells": int(values.size),
        "saturated": int(np.count_nonzero(inside)),
        "minimum": float(values.min()) + 0.0,  # the minus of a code of zero says nothing
        "median": float(np.median(values)) + 0.0,
        "maximum": float(values.max()) + 0.0,
        "units": "S",
        "n": int(values.size),
        "of": "cells read",
        "load": None if measurement.load is None else measurement.load.document(),
        "last_map": None if last_map is None else [str(one) for one in last_map] or NOT_RECORDED,
    }


class ReadKind(Kind):
    """The operation as a kind of run; what was measured is given to its session."""

    name = "read"
    title = "conductance map"
    about = "Read the conductance map of an array."
    family = Family.OPERATION
    quantities = (CONDUCTANCE,)

    def run(self, session: Session) -> None:
        """Write what was measured."""
        run, (part,) = session.file, session.arrays
        measurement: Measurement
        measurement, chosen = session.given
        cells = measurement.value[chosen]
        session.findings.add(CONDUCTANCE, np.median(cells), n=cells.size, of="cells read")
        load = {} if measurement.load is None else measurement.load.attributes()
        run.group("map", "NXdata", {"signal": "conductance", **load})
        lines = run.scale_lines("map", part.rows, part.columns)
        for name, dtype, units, text, values in (
            ("conductance", "f8", "S", "Conductance", measurement.value),
            ("saturated", "u1", "1", "1 where the amplifier clipped", measurement.saturated),
            ("adc_code", part.code_types[1], "1", "ADC codes", measurement.adc_code),
            ("gain", "u1", "1", "Gain numbers of the ADC codes", measurement.gain),
        ):
            if values is not None:
                run.declare(f"map/{name}", dtype, lines, units, text)
                run.write(f"map/{name}", values)

    @classmethod
    def draw(cls, run: Run, picture: Path) -> bool:
        """Draw what was measured; nothing where the file was not written to its end."""
        from memlab.figures.conductance_map import plot_map_of_run

        plot_map_of_run(run.path, picture)
        return True
