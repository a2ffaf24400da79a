"""Findings, in memory and in a file: what each number says of itself, and where arrays lie."""

import math
from pathlib import Path

import h5py
import numpy as np
import pytest

from memlab.runs import Coordinate, Findings, ProcedureLog, Quantity, RunFile, State, write_findings

ROWS, COLUMNS = np.array([2, 5, 6, 8]), np.array([1, 3, 4])


def found() -> Findings:
    """Numbers and arrays of which no two are alike in what they say."""
    results = Findings()
    results.number("plain", 1.5, "S", "A conductance", 0.25)
    results.number("counted", 2.5, "V", "A voltage", n=7, of="cells that respond")
    results.number("bounded", 3.5, "s", "A time", 0.5, n=9, of="cells", interval=(3.0, 4.5))
    results.number("open", 4.5, "1", "A number", caveat="wires were not taken off")
    unknown = Quantity("unknown", "V", "A voltage")
    results.add_undetermined(unknown, "no cell moves", n=3, of="cells")
    results.number("nothing", math.nan, "1", "A number")
    results.add_axis(Quantity("voltage", "V", "Amplitude"), np.array([0.1, 0.2]))
    quantity, level = (
        Quantity("level", "S", "Level", ("voltage", "row")),
        np.arange(8.0).reshape(2, 4),
    )
    results.add(quantity, level, 0.1 * level, n=5, of="columns")
    faulty = Quantity("faulty", "1", "1 for a fault", ("row", "column"))
    results.add(faulty, np.arange(12).reshape(4, 3) % 5 == 0)
    names = Quantity("names", "1", "Names", ("voltage",))
    results.add(names, np.array(["one", "two"]))
    return results


class TestInMemory:
    def test_a_document_has_the_numbers_with_all_that_they_say(self) -> None:
        document = found().document()
        assert list(document) == ["plain", "counted", "bounded", "open", "unknown", "nothing"]
        assert document["plain"] == {"value": 1.5, "error": 0.25, "units": "S", "state": "found"}
        assert document["counted"]["error"] is None
        assert (document["counted"]["n"], document["counted"]["of"]) == (7, "cells that respond")
        assert document["bounded"]["interval"] == [3.0, 4.5]
        assert document["bounded"]["confidence"] == 0.95
        assert document["open"]["caveat"] == "wires were not taken off"
        assert document["unknown"] == {
            "value": None,
            "error": None,
            "units": "V",
            "state": "not determined",
            "n": 3,
            "of": "cells",
            "why": "no cell moves",
        }
        assert document["nothing"]["why"] == "the readings do not tell it"

    def test_a_population_is_that_of_the_numbers_that_have_none(self) -> None:
        results = found()
        results.with_population(99, "all cells")
        of = {name: (one.n, one.of) for name, one in results.values.items()}
        assert of["plain"] == of["open"] == (99, "all cells")
        assert of["counted"] == (7, "cells that respond")
        assert of["unknown"] == (3, "cells")
        assert of["level"] == (5, "columns")
        assert of["faulty"] == (None, ""), "an array is no number"

    def test_a_fraction_has_a_binomial_interval_and_an_error_that_is_never_0(self) -> None:
        results = Findings()
        results.fraction("some", 3, 20, "Some", "cells")
        results.fraction("none", 0, 20, "None", "cells")
        results.fraction("least", 3, 20, "At least", "cells", lower_bound=True, caveat="slow ones")
        results.fraction("empty", 0, 0, "Of nothing", "cells that respond")
        some, none, least, empty = results.values.values()
        # Clopper and Pearson, 3 of 20: 3.21 to 37.89 %; 0 of 20: the upper end is 1 - 0.025^(1/20).
        assert some.interval == pytest.approx((0.03207, 0.37893), abs=1e-5)
        assert none.interval == pytest.approx((0.0, 1.0 - 0.025**0.05), abs=1e-9)
        assert least.interval == pytest.approx((0.03207, 1.0), abs=1e-5)
        assert least.caveat == "slow ones"
        assert (some.value, some.n, some.of) == (0.15, 20, "cells")
        # Wilson with z = 1: half of 2 z / (n + z^2) (n p (1 - p) + z^2 / 4)^(1/2).
        assert some.error == pytest.approx((20 * 0.15 * 0.85 + 0.25) ** 0.5 / 21, rel=1e-3)
        assert none.error == pytest.approx(0.5 / 21, rel=1e-3)
        assert empty.state is State.UNDETERMINED
        assert (empty.n, empty.why) == (0, "there are no cells that respond")


class TestInAFile:
    def written(self, path: Path, findings: Findings) -> h5py.Group:
        run = RunFile(path, "procedure", {})
        run.group("instrument", "NXinstrument", {"board": {"rows": 11, "columns": 8}})
        mask = np.ones((4, 3), bool)
        maps = {"gate": Coordinate("V", "Gate voltage")}
        ProcedureLog.declare(run, ROWS, COLUMNS, mask, maps, None, (11, 8))
        run.start()
        run.close("finished", complete=lambda entry: write_findings(entry, findings))
        return h5py.File(path)["entry/result"]

    def test_every_value_lies_there_with_error_unit_and_axes(self, tmp_path: Path) -> None:
        group = self.written(tmp_path / "run.h5", found())
        try:
            assert group["plain"][()] == 1.5
            assert group["plain_error"][()] == 0.25
            assert group["plain_error"].attrs["units"] == "S"
            assert "counted_error" not in group
            assert group["counted"].attrs["n"] == 7
            assert group["bounded"].attrs["interval"].tolist() == [3.0, 4.5]
            assert group["unknown"].attrs["state"] == "not determined"
            assert "state" not in group["plain_error"].attrs, "of the value alone"
            level = group["level"]
            np.testing.assert_array_equal(level[()], np.arange(8.0).reshape(2, 4))
            np.testing.assert_allclose(group["level_error"][()], 0.1 * level[()])
            assert "state" not in level.attrs, "of a number alone"
            for dataset in (level, group["level_error"]):
                axes = [next(iter(dataset.dims[k].values())).name for k in range(2)]
                assert axes == ["/entry/result/voltage", "/entry/result/row"]
            assert group["faulty"].dtype == np.uint8
            np.testing.assert_array_equal(group["faulty"][()], np.arange(12).reshape(4, 3) % 5 == 0)
            assert group["row"][:].tolist() == ROWS.tolist()
            assert group["column"][:].tolist() == COLUMNS.tolist()
            assert group["voltage"][:].tolist() == [0.1, 0.2]
            assert group["voltage"].attrs["units"] == "V"
            assert group["names"].asstr()[:].tolist() == ["one", "two"]
            assert "units" not in group["names"].attrs
        finally:
            group.file.close()

    def test_what_an_earlier_analysis_found_is_gone(self, tmp_path: Path) -> None:
        self.written(tmp_path / "run.h5", found()).file.close()
        later = Findings()
        later.number("later", 1.0, "1", "A number")
        with h5py.File(tmp_path / "run.h5", "r+") as file:
            write_findings(file["entry"], later)
            assert list(file["entry/result"]) == ["later"]
