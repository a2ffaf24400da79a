"""Where a twin and a table of measured cells disagree, against what random halves disagree by.

Each number of a table (a median at a gate voltage, a quantile at a time) is compared with that of
the emulated chip. Its tolerance is the 95th percentile of how far it is apart in random halves of
the cells, and so for the root mean square along each curve. Of numbers and of curves one in twenty
is beyond its own tolerance by chance, and of fifteen curves often one: twin and table agree where
the furthest of all curves, in its tolerance, is no further than the furthest of random halves is,
again in 95 % of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from memlab.emulator import ChipPreset
from memlab.errors import DataError
from memlab.numeric import BoolArray, FloatArray
from memlab.twin.observed import observe
from memlab.twin.statistics import LEVEL, SPLITS, split_tolerance
from memlab.twin.tables import Table

__all__ = ["Curve", "TableComparison", "compare_table"]


@dataclass(frozen=True, eq=False)
class Curve:
    """One statistic of table and twin.

    Parameters
    ----------
    name
        Which statistic.
    x
        Where, shape (n,), rising.
    measured, twin, tolerance
        Of the table's cells, of the emulated ones, and the 95th percentile of the difference of
        random halves; shape (n,).
    rms, rms_tolerance
        Root mean square of the difference over the curve, and the 95th percentile of the same of
        random halves.
    """

    name: str
    x: FloatArray
    measured: FloatArray
    twin: FloatArray
    tolerance: FloatArray
    rms: float
    rms_tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether the twin is as near as a random half of the cells is."""
        return self.rms <= self.rms_tolerance

    @property
    def outside(self) -> BoolArray:
        """Where single numbers are further apart than their tolerance, shape (n,)."""
        return np.asarray(np.abs(self.twin - self.measured) > self.tolerance)

    @property
    def worst(self) -> int:
        """Where the difference is largest, in tolerances."""
        return int(np.argmax(np.abs(self.twin - self.measured) / self.tolerance))


@dataclass(frozen=True, eq=False)
class TableComparison:
    """A twin against a table.

    Parameters
    ----------
    curves
        One for each statistic.
    x_name, x_units, units
        What they are over, and of the numbers.
    cells, all_cells
        Cells of the table that were compared, and of which the random halves are.
    splits
        How many random halves.
    furthest, furthest_tolerance
        Largest rms of all curves, in its own tolerance, and the 95th percentile of the same of
        random halves.
    """

    curves: list[Curve]
    x_name: str
    x_units: str
    units: str
    cells: int
    all_cells: int
    splits: int
    furthest: float
    furthest_tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether the furthest curve is as near as that of random halves is."""
        return self.furthest <= max(1.0, self.furthest_tolerance)


def compare_table(
    preset: ChipPreset,
    table: Table,
    chosen: BoolArray | None = None,
    *,
    seed: int = 0,
    splits: int = SPLITS,
) -> TableComparison:
    """Run what a table is of on an emulated chip, and compare.

    Parameters
    ----------
    preset
        The twin.
    table
        All cells: their random halves are the tolerance.
    chosen
        Which cells to compare with, shape (cells,), for example those that the twin was not fitted
        to; all by default.
    seed
        Of the emulated chip, and of the random halves.
    splits
        How many.

    Raises
    ------
    DataError
        If the table has too few cells for halves, or tells nothing of them.
    """
    if table.cells < 4:
        raise DataError(f"{table.path} has {table.cells} cells; halves to compare need at least 4")
    if chosen is None:
        chosen = np.ones(table.cells, bool)
    observed = observe(table)
    shape = len(observed.names), observed.x.size
    tolerance, apart = split_tolerance(
        lambda half: observed.statistics(half).ravel(), table.cells, seed, splits
    )
    measured = observed.statistics(chosen)
    twin = observed.emulate(preset, seed, chosen)
    tolerance, apart = tolerance.reshape(shape), apart.reshape(-1, *shape)
    curves, of_halves = [], []
    for k, name in enumerate(observed.names):
        use = np.isfinite(measured[k]) & np.isfinite(twin[k]) & np.isfinite(tolerance[k])
        use &= tolerance[k] > 0.0
        if not use.any():
            continue
        order = np.flatnonzero(use)[np.argsort(observed.x[use], kind="stable")]
        halves = np.array([_rms(one) for one in apart[:, k, order]])
        rms_tolerance = float(np.quantile(halves, LEVEL))
        of_halves.append(halves / rms_tolerance)
        curves.append(
            Curve(
                name=name,
                x=observed.x[order],
                measured=measured[k, order],
                twin=twin[k, order],
                tolerance=tolerance[k, order],
                rms=_rms(twin[k, order] - measured[k, order]),
                rms_tolerance=rms_tolerance,
            )
        )
    if not curves:
        raise DataError(f"{table.path} has too few cells for any statistic of halves of them")
    return TableComparison(
        curves,
        observed.x_name,
        observed.x_units,
        observed.units,
        int(np.count_nonzero(chosen)),
        table.cells,
        splits,
        max(curve.rms / curve.rms_tolerance for curve in curves),
        float(np.quantile(np.max(of_halves, axis=0), LEVEL)),
    )


def _rms(difference: FloatArray) -> float:
    return float(np.sqrt(np.nanmean(difference**2)))
