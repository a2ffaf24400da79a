"""A run in short says what the whole run says, and is read from few attributes."""

from dataclasses import fields
from pathlib import Path

import h5py
import numpy as np
import pytest

from memlab.kinds import kind_of_run
from memlab.runs import open_run
from memlab.runs.brief import Brief, read_brief
from memlab.runs.found import FoundValues

MOST_ATTRIBUTES = 50
"""That are read for a line of a list; a run of a training has 350."""
PROPERTIES = ("finished", "alive", "emulated", "origin", "seconds", "chips")


@pytest.mark.parametrize("name", ["steps-a", "train-b", "map"])
def test_short_and_whole_agree(made_runs: dict[str, Path], name: str) -> None:
    run = open_run(made_runs[name])
    with read_brief(made_runs[name]) as (brief, found):
        assert list(found) == list(run.findings.values)
        for key, one in found.items():
            for part in fields(one):
                assert np.array_equal(
                    *(np.asarray(getattr(of, part.name)) for of in (one, run.findings.values[key]))
                ), (key, part.name)
        assert kind_of_run(brief).chief(found) == kind_of_run(run).chief(run.findings.values)
    for part in fields(Brief):
        if part.name not in ("attributes", "instruments"):
            assert getattr(brief, part.name) == getattr(run, part.name), part.name
    assert [getattr(brief, one) for one in PROPERTIES] == [getattr(run, one) for one in PROPERTIES]
    assert brief.attributes.items() <= run.attributes.items()
    for short, whole in zip(brief.instruments, run.instruments, strict=True):
        assert short.items() <= whole.items()


def test_few_attributes_are_read(
    made_runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    whole = h5py.AttributeManager.__getitem__

    def get(self: h5py.AttributeManager, name: str) -> object:
        read.append(name)
        return whole(self, name)

    monkeypatch.setattr(h5py.AttributeManager, "__getitem__", get)
    for path in made_runs.values():
        read.clear()
        with read_brief(path) as (brief, found):
            kind_of_run(brief).chief(found)
        assert len(read) < MOST_ATTRIBUTES, path


def test_numbers_of_schema_1_are_attributes(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "old.h5", "w") as file:
        entry = file.create_group("entry")
        entry.attrs.update(
            {"metrics.test_rmse": 3.5, "metrics.none": "none", "metrics_of.test_rmse.n": 12}
        )
        found = FoundValues(entry)
        assert list(found) == ["none", "test_rmse"]
        assert (found["test_rmse"].number, found["test_rmse"].n) == (3.5, 12)
        assert not found["none"].is_found
        assert len(found) == 2
        assert "loss" not in found
        assert found.get("loss") is None
        with pytest.raises(KeyError):
            found["loss"]
