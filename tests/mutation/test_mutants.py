"""What `python -m tests.mutation` would change, and that its list of places is up to date."""

import time
import tomllib
from pathlib import Path

import pytest

from tests.mutation.targets import Targets

ROOT = Path(__file__).parents[2]

SOURCE = """\
from typing import Protocol


class Seam(Protocol):
    def size(self, *, most: int | None = 3 - 1) -> int | float: ...


def total(a: int | None, *, b: float = 2.5) -> float | None:
    found: dict[str, int | float] = {}
    return a / b + (1 if a and not found else 0)
"""


def test_every_module_and_test_is_there_and_every_excuse_is_about_a_line_of_today() -> None:
    document = tomllib.loads((ROOT / "tests/mutation/targets.toml").read_text("utf-8"))
    targets = Targets.load(document, ROOT)
    assert "memlab/characterize/bench.py" in targets.modules
    assert all(targets.tests_of(module) for module in targets.modules)


def test_what_is_not_there_is_an_error() -> None:
    for group in (
        {"modules": ["memlab/nothing.py"], "tests": ["tests/conftest.py"]},
        {"modules": ["memlab/chip/limits.py"], "tests": ["tests/nothing.py"]},
    ):
        with pytest.raises(ValueError, match="nothing is called"):
            Targets.load({"group": [group]}, ROOT)
    group = {"modules": ["memlab/chip/limits.py"], "tests": ["tests/conftest.py"]}
    with pytest.raises(ValueError, match="two groups"):
        Targets.load({"group": [group, group]}, ROOT)
    equal = {"module": "memlab/chip/limits.py", "before": "x = 1", "after": "x = 2", "why": "none"}
    with pytest.raises(ValueError, match="has no line 'x = 1' any more"):
        Targets.load({"group": [group], "equal": [equal]}, ROOT)


def test_no_type_is_changed_and_a_side_may_be_left_out() -> None:
    pytest.importorskip("cosmic_ray")
    from tests.mutation.mutants import mutants_of

    found = list(mutants_of("module.py", SOURCE))
    lines = {mutant.line for mutant in found}
    assert lines == {8, 10}, "neither the protocol nor an annotation"
    left_out = [one.shown(SOURCE)[1] for one in found if one.kind == "LeaveOutOneSide"]
    assert "return a + (1 if a and not found else 0)" in left_out
    assert "return a / b + (1 if not found else 0)" in left_out
    assert not any("FloorDiv" in one.operator for one in found), "all alike"


def test_the_same_seed_draws_the_same_and_each_place_once() -> None:
    pytest.importorskip("cosmic_ray")
    from tests.mutation.mutants import draw

    text = {"a.py": SOURCE, "b.py": SOURCE}
    one, places = draw(text, 6, 3)
    assert one == draw(text, 6, 3)[0]
    assert one != draw(text, 6, 4)[0]
    assert len({(mutant.module, mutant.line, mutant.column) for mutant in one}) == len(one) == 6
    assert len(draw(text, 1000, 3)[0]) <= places
    for mutant in draw(text, 1000, 3)[0]:
        assert mutant.apply(SOURCE) != SOURCE
        compile(mutant.apply(SOURCE), mutant.module, "exec")


FUNCTIONS = """\
LEVEL = 2


class Box:
    size = LEVEL + 1

    @property
    def twice(self):
        return 2 * self.size


def outer(x):
    def inner(y):
        return x - y

    return inner
"""


def test_changed_code_of_functions_is_put_into_them_and_that_of_imports_is_not(
    tmp_path: Path,
) -> None:
    from tests.mutation.forks import patch

    place, found = tmp_path / "functions.py", {}
    exec(compile(FUNCTIONS, str(place), "exec"), found)
    assert not patch(place, FUNCTIONS, FUNCTIONS.replace("LEVEL = 2", "LEVEL = 3"))
    assert not patch(place, FUNCTIONS, FUNCTIONS.replace("LEVEL + 1", "LEVEL - 1"))
    assert not patch(place, FUNCTIONS, FUNCTIONS.replace("    @property\n", ""))
    assert not patch(tmp_path / "other.py", FUNCTIONS, FUNCTIONS.replace("x - y", "x * y"))
    assert (found["Box"]().twice, found["outer"](5)(3)) == (6, 2)
    assert patch(place, FUNCTIONS, FUNCTIONS.replace("x - y", "x * y"))
    assert (found["Box"]().twice, found["outer"](5)(3)) == (6, 15)
    assert patch(place, FUNCTIONS, FUNCTIONS.replace("2 * self", "5 * self"))
    assert found["Box"]().twice == 15


def test_a_mutant_has_the_tests_that_run_its_statement_quickest_first() -> None:
    pytest.importorskip("cosmic_ray")
    from tests.mutation.campaign import Reach, statement
    from tests.mutation.mutants import Mutant

    source = "def f(\n    x=1,\n):\n    if (\n        x\n        and g(x)\n    ):\n        x = 2\n"
    assert [statement(source, k) for k in range(1, 9)] == 3 * [(1, 3)] + 4 * [(4, 7)] + [(8, 8)]
    lines = {("m.py", 4): {"a.py::x", "a.py::y"}, ("m.py", 6): {"b.py::z"}, ("m.py", 2): {""}}
    seconds = {"a.py::x": 3.0, "a.py::y": 1.0, "b.py::z": 2.0, "c.py::w": 0.5}
    reach = Reach(seconds, {place: frozenset(tests) for place, tests in lines.items()})
    files = ["a.py", "c.py"]
    assert reach.tests(Mutant("m.py", 5, 8, "", 0), source, files) == (
        ["a.py::y", "b.py::z", "a.py::x"],
        True,
    )
    of_all = (["c.py::w", "a.py::y", "a.py::x"], False)
    assert reach.tests(Mutant("m.py", 2, 4, "", 0), source, files) == of_all
    assert reach.tests(Mutant("m.py", 8, 8, "", 0), source, files) == of_all


@pytest.mark.slow
def test_what_the_tests_notice_is_killed_what_they_do_not_survives_and_nothing_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("cosmic_ray")
    from tests.mutation.campaign import Campaign
    from tests.mutation.mutants import mutants_of

    root = tmp_path / "repository"
    (root / "memlab").mkdir(parents=True)
    (root / "tests").mkdir()
    (root / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    source = "def half(x):\n    return x / 2\n\n\ndef unseen(x):\n    return x - 1\n"
    (root / "memlab" / "__init__.py").touch()
    (root / "memlab" / "halves.py").write_text(source)
    test = "from memlab.halves import half\n\n\ndef test_it():\n    assert half(6) == 3\n"
    (root / "tests" / "test_halves.py").write_text(test)
    module = "memlab/halves.py"
    group = {"modules": [module], "tests": ["tests/test_halves.py"]}
    targets = Targets.load({"group": [group]}, root)
    found = {(one.line, one.operator): one for one in mutants_of(module, source)}
    chosen = [
        found[line, operator]
        for line, operator in (
            (2, "ReplaceBinaryOperator_Div_Mul"),
            (6, "ReplaceBinaryOperator_Sub_Add"),
            (2, "LeaveOutOneSide"),
        )
    ]
    campaign = Campaign(root, chosen, {module: source}, targets)
    campaign.run(1, time.monotonic() + 250.0)
    assert not campaign.failing
    assert campaign.killed == [chosen[0], chosen[2]]
    assert campaign.survived == [chosen[1]]
    assert "SURVIVED memlab/halves.py:6 " in capsys.readouterr().out
    assert (root / module).read_text() == source

    (root / "tests" / "test_halves.py").write_text(test.replace("== 3", "== 4"))
    campaign = Campaign(root, chosen, {module: source}, targets)
    campaign.run(1, time.monotonic() + 250.0)
    assert campaign.failing == ["tests/test_halves.py::test_it"]
    assert not campaign.killed
