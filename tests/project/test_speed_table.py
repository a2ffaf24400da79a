"""The table at the end of a run of the benchmarks."""

import pytest
from support.speed_table import GOALS, Found, Goal, lines, profiled


def told(name: str, *found: Found) -> list[str]:
    """Return the lines of one row: itself, and its profile where one is told."""
    table = list(lines((name, one) for one in found))[1:]
    own = next(n for n, line in enumerate(table) if line.startswith(GOALS[name].work))
    return table[own : own + 2]


def test_every_goal_has_a_line_in_their_order():
    assert [line[:36].strip() for line in lines([])][1:] == [one.work for one in GOALS.values()]
    assert all(line.endswith("not measured") for line in list(lines([]))[1:])


def test_a_figure_stands_beside_goal_limit_and_peers():
    row, _ = told("one vector", Found(peers={"CrossSim": 9.1}), Found(7.5, 9.0))
    found = "one vector, 128 x 64, Array.vmm 7.5 products <= 8 9 CrossSim 9.1 met"
    assert " ".join(row.split()) == found


def test_what_is_not_met_has_its_profile_in_the_next_line():
    row, below = told("sweep, short", Found(0.59, 0.5, "profile: imports"))
    assert row.endswith("gap")
    assert below.strip() == "profile: imports"


@pytest.mark.parametrize(("least", "met"), [(False, 0.9), (True, 1.1)])
def test_a_goal_is_a_most_or_a_least(least: bool, met: float):
    goal = Goal("work", "x", 1.0, least)
    assert goal.met(met)
    assert goal.met(1.0)
    assert not goal.met(2.0 - met)


def test_a_profile_names_the_functions_in_which_most_time_is_spent():
    def slow():
        return sum(n * n for n in range(20_000))

    text = profiled(slow, 2)
    assert text.startswith("profile of ")
    assert "test_speed_table.<genexpr>" in text
