"""The ablation of update rules: its table is what is stored, and a trial trains what it says."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.made_up_digits import write_digits
from support.scripts import loaded


@pytest.fixture
def script() -> Iterator[dict[str, Any]]:
    with loaded("rule_ablation") as module:
        yield vars(module)


def test_the_page_has_the_table_of_what_is_stored(script: dict[str, Any]) -> None:
    trials = script["load"](script["STORED"], [])
    assert script["table"](trials) in script["PAGE"].read_text()
    seeds = {(task.title, row.title): [] for task in script["TASKS"] for row in script["ROWS"]}
    for one in trials:
        seeds[one["task"], one["row"]].append(one["seed"])
    for found in seeds.values():
        assert sorted(found) == list(range(1, script["SEEDS"] + 1))


def test_a_trial_trains_by_its_rule(
    script: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_digits(tmp_path / "mnist8x8.npz")
    monkeypatch.setenv("MEMLAB_DATA", str(tmp_path))
    task, rows = script["TASKS"][0], {row.title: row for row in script["ROWS"]}
    found = {
        title: script["trial"](task, row, 3)
        for title, row in rows.items()
        if "two pulses" in title or "(`forward-only`)" in title
    }
    assert len(found) == 3
    assert len({one["pulses"] for one in found.values()}) == 3  # three rules
    assert all(one["accuracy"] > 0.6 for one in found.values()), found
    assert json.dumps(found)
