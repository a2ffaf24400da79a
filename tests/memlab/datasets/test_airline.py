"""The airline series: facts from Box and Jenkins (1976), series G."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from memlab.datasets import load_airline

DATA = Path(os.environ.get("MEMLAB_DATA", Path(__file__).parents[4] / "shared" / "data"))


def test_the_airline_series_is_that_of_box_and_jenkins() -> None:
    passengers = load_airline().passengers
    assert passengers.shape == (144,)
    assert passengers.sum() == 40363
    assert passengers[0] == 112
    assert passengers[-1] == 432
    assert passengers.min() == 104
    assert passengers.max() == 622


def test_the_airline_months_run_from_january_1949_to_december_1960() -> None:
    expected = [f"{year}-{month:02d}" for year in range(1949, 1961) for month in range(1, 13)]
    assert list(load_airline().month) == expected


def test_the_airline_series_equals_the_shared_file() -> None:
    path = DATA / "airline.csv"
    if not path.exists():
        pytest.skip("no shared airline.csv here; set MEMLAB_DATA to its directory")
    with path.open() as file:
        rows = list(csv.DictReader(file))
    airline = load_airline()
    assert airline.month == tuple(row["month"] for row in rows)
    np.testing.assert_array_equal(
        airline.passengers, [float(row["passengers"]) for row in rows], strict=True
    )
