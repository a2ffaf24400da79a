"""Airline passengers, 1949 to 1960: the one data set that comes with memlab."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib import resources

import numpy as np

from memlab.numeric import FloatArray

__all__ = ["Airline", "load_airline"]


@dataclass(frozen=True, eq=False)
class Airline:
    """Monthly passengers of international airlines, January 1949 to December 1960.

    Parameters
    ----------
    month
        Names of the months, `1949-01` to `1960-12`, 144 of them.
    passengers
        Thousands of passengers, 104 to 622, shape (144,).

    Notes
    -----
    Box and Jenkins, Time Series Analysis: Forecasting and Control (1976), series G.
    """

    month: tuple[str, ...]
    passengers: FloatArray


def load_airline() -> Airline:
    """Return the airline series, which comes with memlab."""
    text = resources.files("memlab").joinpath("data", "airline.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    return Airline(
        month=tuple(row["month"] for row in rows),
        passengers=np.array([float(row["passengers"]) for row in rows]),
    )
