"""The tables of the survey's networks are what is stored, and tasks are what they are called."""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from support.scripts import loaded

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def survey(tmp_path: Path) -> Iterator[ModuleType]:
    """The script as a module that stores elsewhere."""
    with loaded("survey_networks") as module:
        module.STORED = tmp_path / "stored.json"
        yield module


@pytest.fixture
def tasks(survey: ModuleType) -> ModuleType:
    return sys.modules["survey_tasks"]


def test_the_page_has_the_tables_of_what_is_stored(survey: ModuleType) -> None:
    survey.STORED = SCRIPTS / "survey_networks.json"
    page = survey.PAGE.read_text()
    stored = survey.load(survey.STORED, {})
    for table in survey.tables(stored).values():
        assert table in page
    assert all(len(stored[f"{row.key} chip"]) >= 5 for row in survey.ROWS)


def test_a_row_has_medians_and_ranges_and_says_of_how_many(survey: ModuleType) -> None:
    trial = {"weights": 12, "baselines": {"chance": 0.5}}
    stored = {
        "tree chip": [trial | {"seed": k, "figure": v} for k, v in enumerate((0.9, 0.7, 0.74))],
        "tree float64": [trial | {"seed": 1, "figure": 0.98}],
    }
    (row,) = survey.tables(stored)["networks"].splitlines()[2:]
    assert row.startswith("| Tree LSTM, child-sum | Tai 2015")
    assert row.endswith("| 74.0 (70.0 to 90.0) | 98.0 | 3 | chance 50.0 |")


def test_a_trial_is_run_once(survey: ModuleType) -> None:
    (row,) = [row for row in survey.ROWS if row.key == "lstm"]
    row = replace(row, epochs=2)
    survey.collect([row], [3], "", with_circuits=False)
    first = json.loads(survey.STORED.read_text())
    assert sorted(first) == ["lstm chip", "lstm float64"]
    assert first["lstm chip"][0]["weights"] == (1 + 6 + 1) * 24 + 7
    assert first["lstm chip"][0]["figure"] != first["lstm float64"][0]["figure"]
    survey.collect([row], [3], "", with_circuits=False)
    assert json.loads(survey.STORED.read_text()) == first


def test_next_months_are_those_that_follow(tasks: ModuleType) -> None:
    passengers, change, *_ = tasks._months()
    task = tasks.next_month(12)
    # Window k ends with change k + 11; the last month is that of the series.
    truth = change[12:][-len(task.x_test) :]
    assert task.measure(truth[:, np.newaxis]) == pytest.approx(0.0, abs=1e-9)
    assert len(task.x) + 12 == tasks.TRAINED
    np.testing.assert_array_equal(task.y[:, 0], change[12 : tasks.TRAINED])
    steps = np.diff(passengers)[tasks.TRAINED :]
    assert task.baselines["persistence"] == pytest.approx(np.sqrt(np.mean(steps**2)))
    np.testing.assert_array_equal(tasks.next_month(12, every_step=True).y[:, -1], task.y)


def test_expressions_have_the_values_that_their_nodes_give(tasks: ModuleType) -> None:
    x, large = tasks.expressions(7, 60, trees=True)
    assert 10 < large.sum() < 50
    for nodes, wanted in zip(x, large, strict=True):
        values: dict[int, list[int]] = {}
        for number, node in enumerate(nodes):
            if not node[:-1].any():
                assert node[-1] == 0  # a node that is not there
                continue
            symbol, arguments = int(node[:-1].argmax()), values.pop(number, [])
            assert (symbol < 2) == (len(arguments) > 0)
            value = (min if symbol else max)(arguments) if arguments else symbol - 2
            values.setdefault(number + int(node[-1]), []).append(value)
        assert number == len(nodes) - 1
        assert values == {number: [value]}
        assert (value >= 5) == wanted
    flat, _ = tasks.expressions(7, 60, trees=False)
    np.testing.assert_array_equal(flat, x[..., :-1])


def test_circuits_lose_the_part_of_their_range_that_is_said(survey: ModuleType) -> None:
    sigmoid, tanh = survey.circuit(lost=0.2, output_offset=0.05)
    ends = np.array([-9.0, 9.0])
    np.testing.assert_allclose(sigmoid.forward(ends), [0.25, 0.85])
    np.testing.assert_allclose(tanh.forward(ends), [-0.55, 0.65])
    sigmoid, tanh = survey.circuit(input_offset=0.5)
    assert sigmoid.forward(np.array([0.5])) == pytest.approx(0.5)
    assert tanh.forward(np.array([0.5])) == pytest.approx(0.0)


def test_circuits_without_faults_are_software(survey: ModuleType) -> None:
    survey.CIRCUITS = {"ideal": {}, "weak": {"lost": 0.4}}
    found = survey.circuits(1, epochs=3)
    assert found["ideal"]["moved"] == pytest.approx(found["ideal"]["trained"], rel=1e-2)
    assert found["weak"]["moved"] != pytest.approx(found["ideal"]["moved"], rel=1e-4)
    assert found["persistence"]["moved"] == pytest.approx(9.4, abs=0.1)
