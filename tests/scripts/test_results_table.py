"""The results table of the manual is what the stored results give, and they keep what they must."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from support.scripts import loaded

from memlab.errors import MemlabError
from memlab.sweep import Outcome, Trial, run_trial
from memlab.sweep import runner as sweep_runner

MARKED = "before\n<!-- results -->\nold\n<!-- /results -->\nafter\n"


@pytest.fixture
def table() -> Iterator[ModuleType]:
    """The script as a module."""
    with loaded("results_table") as module:
        yield module


def tiny(table: ModuleType, **changes: object) -> object:
    """A row of two short runs."""
    arguments = {
        "name": "tiny",
        "experiment": "airline-window",
        "preset": "memlab",
        "chip": "`ta-hfo2`",
        "seeds": 2,
        "metric": "test_rmse",
        "published": "-",
        "settings": ("train.epochs=2",),
    }
    return table.Row(**{**arguments, **changes})


def test_the_page_holds_what_the_stored_results_give_and_every_promise_is_kept(
    table: ModuleType,
) -> None:
    assert table.check(table.PAGE.read_text("utf-8"), table.load()) == []


def test_every_row_can_be_run_over_enough_seeds(table: ModuleType, tmp_path: Path) -> None:
    assert len({row.name for row in table.ROWS}) == len(table.ROWS)
    for row in table.ROWS:
        chip, software = row.sweeps(tmp_path)
        assert len(chip.trials) == len(software.trials) == row.seeds
        assert row.seeds >= (3 if "mnist" in row.name else 5)
        assert chip.directory != software.directory


def test_the_software_reference_learns_at_the_effective_rate(table: ModuleType) -> None:
    # Experiments reference 5: [L] trains at twice, [W]'s simulation at 5.45 times the nominal rate.
    rates = {}
    for row in table.ROWS:
        key, _, value = row.effective_rate[0].partition("=")
        assert key == "train.lr"
        rates[row.name] = float(value)
    assert rates["airline-paper"] == pytest.approx(2 * 0.01, rel=1e-3)
    assert rates["mnist-sequence-paper"] == pytest.approx(5.45 * 0.01, rel=1e-3)


def test_a_cell_shows_median_and_range_in_its_unit(table: ModuleType) -> None:
    assert table.spread([31.0, 28.24, 70.06], "test_rmse") == "RMSE 31.0 (28.2 to 70.1)"
    assert table.spread([0.9, 0.95, 0.9666, 0.8], "test_accuracy") == "92.5 % (80.0 to 96.7)"
    # scipy's t of 29 degrees of freedom is 2.045; the sum of squares of 0..29 is 8555.
    mean, deviation = 14.5, ((8555 - 30 * 14.5**2) / 29) ** 0.5
    half = 2.045 * deviation / 30**0.5
    assert table.spread([float(k) for k in range(30)], "test_rmse") == (
        f"RMSE mean {mean} (95 % interval {mean - half:.1f} to {mean + half:.1f}), standard "
        f"deviation {deviation:.1f}, range 0.0 to 29.0"
    )
    assert table.spread([0.5], "test_balanced_accuracy") == "balanced 50.0 % (50.0 to 50.0)"


def test_what_is_wrong_is_said(table: ModuleType) -> None:
    row = tiny(table, at_most=40.0)
    result = table.Result(row.command, "memlab 0", [50.0, 60.0], [1.0, 2.0], 48.5)
    [missing, *_] = table.check(MARKED, {}, [row])
    assert "tiny has not been run" in missing
    [bound, old] = table.check(MARKED, {"tiny": result}, [row])
    assert "median 55 is not within" in bound
    assert "is not what results.json gives" in old
    [other, *_] = table.check(MARKED, {"tiny": result}, [tiny(table, seeds=3)])
    assert "other settings" in other
    with pytest.raises(MemlabError, match="no lines"):
        table.check("no markers", {}, [])


def test_a_run_writes_the_table_and_running_again_runs_nothing(
    table: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def in_this_process(trials: list[Trial], *_: object) -> Iterator[Outcome]:
        for trial in trials:
            ran.append(trial.name)
            yield run_trial(trial)

    monkeypatch.setattr(sweep_runner, "run_on_processes", in_this_process)
    monkeypatch.setattr(table, "ROWS", (tiny(table),))
    monkeypatch.setattr(table, "PAGE", tmp_path / "results.md")
    monkeypatch.setattr(table, "STORED", tmp_path / "results.json")
    monkeypatch.setattr(
        table.Row, "effective_rate", property(lambda row: ("train.epochs=2", "train.lr=0.002"))
    )
    (tmp_path / "results.md").write_text(MARKED)
    monkeypatch.setattr("sys.argv", ["results_table.py", "--runs", str(tmp_path / "runs")])
    assert table.main() == 0
    page = (tmp_path / "results.md").read_text()
    assert page.startswith("before\n<!-- results -->\n| `memlab train` |")
    assert "| `airline-window --preset memlab --set train.epochs=2` | LSTM 4 on" in page
    assert "), 2 seeds; persistence 48.5 |" in page
    assert page.endswith("|\n<!-- /results -->\nafter\n")
    stored = json.loads((tmp_path / "results.json").read_text())
    assert len(set(stored["tiny"]["chip"] + stored["tiny"]["software"])) == 4
    assert len(ran) == 4
    assert table.main() == 0
    assert len(ran) == 4
    (tmp_path / "results.md").write_text(page.replace("48.5", "4.85"))
    monkeypatch.setattr("sys.argv", ["results_table.py", "--check"])
    assert table.main() == 1
