"""The table of stuck cells is what the stored trials give, and a trial has all three ways."""

import json
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.made_up_digits import write_digits
from support.scripts import loaded

SITE = Path(__file__).parents[2] / "docs" / "site_pages"


@pytest.fixture
def script() -> Iterator[dict[str, Any]]:
    with loaded("stuck_cells") as module:
        yield vars(module)


def test_the_page_has_the_table_of_what_is_stored(script: dict[str, Any]) -> None:
    trials = script["load"](script["STORED"], [])
    assert script["table"](trials) in script["PAGE"].read_text()
    seeds = {(one["kind"], one["share"]): set() for one in trials}
    for one in trials:
        seeds[one["kind"], one["share"]].add(one["seed"])
    assert len(seeds) == 12
    assert all(found == {1, 2, 3, 4, 5} for found in seeds.values())


def test_the_site_draws_the_picture(tmp_path: Path) -> None:
    site = runpy.run_path(str(SITE / "pictures.py"))
    site["stuck_cells"](tmp_path / "stuck.png")
    assert (tmp_path / "stuck.png").exists()


def test_with_dead_cells_the_middle_way_closes_half_of_the_gap(script: dict[str, Any]) -> None:
    trials = script["load"](script["STORED"], [])
    parts = [script["closed"](trials, "dead", share) for share in script["SHARES"][1:]]
    assert min(parts) > 50


def test_a_part_of_the_gap_is_that_of_the_medians(script: dict[str, Any]) -> None:
    ways = ("ex situ", "layer by layer", "in situ")
    values = ((0.2, 0.3, 0.7), (0.1, 0.5, 0.9), (0.6, 0.4, 0.6))
    trials = [
        {"kind": "on", "share": 0.1, "seed": k, **dict(zip(ways, v, strict=True))}
        for k, v in enumerate(values)
    ]
    assert script["closed"](trials, "on", 0.1) == pytest.approx(100 * (0.4 - 0.2) / (0.7 - 0.2))
    level = [one | {"in situ": 0.1} for one in trials]
    assert script["closed"](level, "on", 0.1) is None


def test_a_trial_has_all_three_ways(
    script: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    write_digits(tmp_path / "mnist8x8.npz")
    monkeypatch.setenv("MEMLAB_DATA", str(tmp_path))
    trial = script["trial"]
    for name, value in {"EPOCHS": 1, "SOFTWARE_EPOCHS": 3}.items():
        monkeypatch.setitem(trial.__globals__, name, value)
    clean, stuck = trial("on", [0.0, 0.2], 3)
    assert set(script["WAYS"]) < set(clean)
    assert clean["software"] == stuck["software"]
    assert abs(clean["ex situ"] - clean["software"]) < 0.1
    assert stuck["ex situ"] < clean["ex situ"]
    assert json.dumps(clean)
