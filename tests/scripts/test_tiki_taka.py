"""Plain descent against Tiki-Taka: the table on the page is what is stored."""

from collections.abc import Iterator
from types import ModuleType

import pytest
from support.scripts import loaded


@pytest.fixture
def script() -> Iterator[ModuleType]:
    with loaded("tiki_taka") as module:
        yield module


def test_the_page_has_the_table_of_what_is_stored(script: ModuleType) -> None:
    trials = script.load(script.STORED, [])
    assert script.table(trials) in script.PAGE.read_text()
    for chip in script.CHIPS:
        for rule in script.RULES:
            of = [one["seed"] for one in trials if (one["chip"], one["rule"]) == (chip, rule)]
            assert sorted(of) == list(range(1, script.SEEDS + 1))


def test_a_trial_misses_by_less_than_what_it_started_with(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "UPDATES", 24)
    monkeypatch.setattr(script, "NOISE", 0.0)
    chip, rule = next(iter(script.CHIPS)), next(iter(script.RULES))
    found = script.trial(chip, rule, 3)
    assert found["missed"] < 0.7  # weights of 0 miss +1 and -1 by 1
    assert found["pulses"] > 2 * 12
