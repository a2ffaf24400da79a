"""Run files before anything is measured: where they lie, and what is known at the start."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from memlab._version import __version__
from memlab.array import Array
from memlab.runs import RunFile, check_out, describe_versions, schema_attributes
from memlab.session.request import Request
from memlab.storage import default_path, make_directory

__all__ = ["create_run_file", "place_for"]


def place_for(out: Path | None, stem: str, suffix: str = ".h5", stamp: str | None = None) -> Path:
    """Return where to write: a new name in `memlab-runs`, or `out` if it is free.

    Touches nothing; the directory of a default name is made with the file.

    Raises
    ------
    SettingError
        If `out` is taken, or cannot be written.
    """
    if out is None:
        return default_path(stem, suffix, stamp)
    check_out(out)
    return out


def create_run_file(
    request: Request, arrays: Sequence[Array], instrument: Mapping[str, Any] | None = None
) -> RunFile:
    """Create a run file with everything that is known before the run.

    Parameters
    ----------
    request
        The run.
    arrays
        On which it is made.
    instrument
        What to say of the instrument where there is no array, as of a log of other people.

    Raises
    ------
    SettingError
        If it exists or cannot be written.
    """
    make_directory(request.out.parent)
    steps = request.kind.steps
    file = RunFile(
        request.out,
        request.title,
        {
            **schema_attributes(request.kind.name, request.kind.family),
            **({} if steps is None else steps.attributes(request.settings)),
            **request.head,
            **({"board": request.board} if request.boards else {}),
            "program": f"memlab {__version__}",
            **request.labels.attributes(),
            **request.notes,
        },
        run_id=request.run_id,
    )
    if request.settings:
        whole = {"json": json.dumps(request.settings), **request.settings}
        file.group("config", "NXcollection", whole)
    if instrument is not None:
        file.group("instrument", "NXinstrument", instrument)
    else:
        _describe(arrays, file)
    file.group("versions", "NXcollection", describe_versions())
    return file


def _describe(arrays: Sequence[Array], file: RunFile) -> None:
    """Write the identity of the array, or of each of several, into `instrument`."""
    if len(arrays) == 1:
        file.group("instrument", "NXinstrument", arrays[0].describe())
        return
    file.group("instrument", "NXinstrument", {"arrays": len(arrays)})
    for number, array in enumerate(arrays):
        file.group(f"instrument/array_{number}", "NXcollection", array.describe())
