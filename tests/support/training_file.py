"""A run file as a training has it: a loss, and maps of one layer."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from memlab.runs import Family, RunFile, schema_attributes


def begin_training(
    path: Path, rows: Sequence[int], columns: Sequence[int], *, chunk: int, config: str = ""
) -> RunFile:
    """Return the run file, started; `config` is that of the run as JSON, `chunk` of curves."""
    about = schema_attributes("airline", Family.EXPERIMENT)
    run = RunFile(path, "a training", {**about, "board": "ideal:", "seed": 3})
    if config:
        run.group("config", "NXcollection", {"json": config})
    run.group("training", "NXdata", {"signal": "loss"})
    run.scale("training/update", None, "1", "Number of the update")
    for name, dtype in (("loss", "f8"), ("epoch", "i4")):
        run.declare(f"training/{name}", dtype, ("training/update",), "1", name, chunk)
    run.group("dense", "NXdata", {"signal": "conductance"})
    run.scale("dense/update", None, "1", "Number of the update")
    lines = run.scale_lines("dense", np.asarray(rows), np.asarray(columns))
    run.declare("dense/conductance", "f8", ("dense/update", *lines), "S", "Conductance", 1)
    run.start()
    return run


def append_updates(
    run: RunFile, updates: npt.NDArray[np.int64], epochs: npt.NDArray[np.int64], maps: npt.ArrayLike
) -> None:
    """Append updates: a loss that falls, and a map of each."""
    run.append("training/loss", 1.0 / (1.0 + updates))
    run.append("training/epoch", epochs)
    run.append("training/update", updates)
    run.append("dense/conductance", np.asarray(maps))
    run.append("dense/update", updates)
