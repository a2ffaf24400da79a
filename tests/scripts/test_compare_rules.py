"""The table of update rules is what the stored trials give, and a trial counts what it must."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from support.made_up_digits import write_digits
from support.scripts import loaded

from memlab.rules import rule_names

SCRIPT = Path(__file__).parents[2] / "scripts" / "compare_rules.py"


@pytest.fixture
def rules(tmp_path: Path) -> Iterator[ModuleType]:
    """The script as a module that stores elsewhere."""
    with loaded("compare_rules") as module:
        module.STORED = tmp_path / "stored.json"
        yield module


def test_the_page_has_the_table_of_what_is_stored(rules: ModuleType) -> None:
    rules.STORED = SCRIPT.with_name("update_rules.json")
    page = rules.PAGE.read_text()
    assert rules.table(rules.load(rules.STORED, {})) in page
    missing = [name for name in rule_names() if f"**`{name}`**" not in page]
    assert not missing


def test_a_row_has_medians_and_ranges_and_says_of_how_many(rules: ModuleType) -> None:
    task = rules.Task("mnist-cnn", "memlab", ("a=1",), {"one-shot": ((), ("b=2",))})
    plain, other = task.rows(["one-shot"])
    rules.SEEDS = 3
    trial = dict.fromkeys([one.key for one in rules.COLUMNS], 0.0)
    trials = [{**trial, "seed": k, "accuracy": v} for k, v in enumerate((0.9, 0.7, 0.74))]
    text = rules.table({plain.command: trials[:2], other.command: trials}, [task])
    assert "`one-shot` |" not in text  # too few seeds for a row
    head, row = text.splitlines()[0], text.splitlines()[-1]
    assert head.startswith("`memlab train mnist-cnn --preset memlab --set a=1 --set update.rule")
    assert row.startswith("| `one-shot`, `b=2` | 3 | 74.0 (70.0 to 90.0) | 0.0 | ")


def test_trainings_on_fewer_samples_are_shown_while_a_full_table_lacks_rows(
    rules: ModuleType,
) -> None:
    trial = dict.fromkeys([one.key for one in rules.COLUMNS], 0.5)
    short, full = rules.SHORT[1], rules.FULL[1]
    enough = [{**trial, "seed": k} for k in range(rules.SEEDS)]
    stored = {
        row.command: enough for task in (short, full) for row in task.rows(rules.rule_names())
    }
    assert rules.table(stored).count("memlab train mnist-sequence") == 1
    assert "data.train=3000" not in rules.table(stored)
    stored[full.rows(["one-shot"])[0].command] = enough[:2]
    text = rules.table(stored)
    assert text.count("memlab train mnist-sequence") == 2
    assert text.count("| `one-shot` |") == 1


def test_a_trial_counts_the_pulses_of_the_most_used_cell_and_is_run_once(
    rules: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digits = write_digits(tmp_path / "digits.npz")
    settings = (f"data.path={digits}", "train.epochs=1", "train.batch=100")
    task = rules.Task("mnist-cnn", "memlab", settings, {"one-shot": (("mapping.threshold=0",),)})
    (row,) = task.rows(["one-shot"])
    rules.collect([task], ["one-shot"], [3])
    first = json.loads(rules.STORED.read_text())
    (trial,) = first[row.command]
    # Four updates pulse every cell that is asked to change at most twice.
    assert 2 + 4 <= trial["wear"] <= 2 + 8
    assert trial["pulses"] > 4060 * 3
    assert trial["pulse_energy"] < trial["energy"]
    assert 0 <= trial["accuracy"] <= 1
    rules.collect([task], ["one-shot"], [3])
    assert json.loads(rules.STORED.read_text()) == first
