"""Good rows and columns of a chip, as `memlab characterize yield` left them in its run file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from memlab.errors import DataError, SettingError
from memlab.numeric import BoolArray
from memlab.runs.quantity import Quantity
from memlab.runs.reader import open_run

__all__ = ["FREE", "GOOD_COLUMNS", "GOOD_ROWS", "GoodLines", "load_good_lines"]

GOOD_ROWS = Quantity("good_rows", "1", "Rows worth using")
GOOD_COLUMNS = Quantity("good_columns", "1", "Columns worth using")
FREE = Quantity(
    "free", "1", "1 where a cell of the good lines passes", ("good_rows", "good_columns")
)

Lines = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class GoodLines:
    """Lines worth using, and which of their cells are good.

    Parameters
    ----------
    rows, columns
        Line numbers: `array[good.rows, good.columns]` is the view.
    free
        Cells of that view that may be used, shape (rows, columns):
        `memlab.mapping.place(requests, [good.free.shape], [good.free])`.
    """

    rows: Lines
    columns: Lines
    free: BoolArray

    def attributes(self) -> dict[str, str]:
        """Return what the file of a run on these lines says of them."""
        lines = {"good_rows": self.rows, "good_columns": self.columns}
        return {name: json.dumps(numbers.tolist()) for name, numbers in lines.items()}

    @classmethod
    def of_attributes(cls, attributes: Mapping[str, Any]) -> Self | None:
        """Return the lines that a run was made on; None for all. Any of their cells was allowed."""
        if "good_rows" not in attributes:
            return None
        rows, columns = (
            np.array(json.loads(attributes[name]), np.intp)
            for name in ("good_rows", "good_columns")
        )
        return cls(rows, columns, np.ones((rows.size, columns.size), bool))


def load_good_lines(path: Path) -> GoodLines:
    """Read the good lines from a run file of `memlab characterize yield`.

    Raises
    ------
    SettingError
        If it is no such file, has not finished, or found no line worth using.
    """
    try:
        run = open_run(path)
    except DataError as error:
        raise SettingError(str(error)) from error
    if FREE not in run.findings:
        raise SettingError(f"{path} is not a finished run of `memlab characterize yield`")
    rows, columns = (run.values(one).astype(np.intp) for one in (GOOD_ROWS, GOOD_COLUMNS))
    free = run.values(FREE).astype(bool)
    if not free.size:
        raise SettingError(f"{path}: no line of the chip is good; allow a larger bad_share")
    return GoodLines(rows, columns, free)
