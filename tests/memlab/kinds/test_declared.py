"""What a kind finds is what it declares; and runs are opened, made and ended in one place each."""

import ast
from functools import cache
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
import pytest

import memlab
from memlab.errors import DataError
from memlab.kinds import Family, Kind, Quantity
from memlab.runs import Findings, open_run
from memlab.session import Request, written

LEVEL = Quantity("level", "S", "Level")
STEP = Quantity("step", "1", "Step")
CURVE = Quantity("curve", "S", "Level at each step", ("step",))


class Declaring(Kind):
    name, title, family = "declaring", "Declares", Family.OPERATION
    quantities: ClassVar = (LEVEL, STEP, CURVE)


class Free(Kind):
    name, title, family = "free", "Declares nothing", Family.OPERATION


def make(kind: type[Kind], findings: Findings, out: Path) -> None:
    request = Request(kind, kind.title, out, (), {})
    with written(request, [], given=None, instrument={"board.name": "none"}) as session:
        session.file.start()
        session.findings = findings


def declared() -> Findings:
    findings = Findings()
    findings.add(LEVEL.saying("Level of this run"), 2e-6, n=3, of="cells")
    findings.add_axis(STEP, np.arange(2))
    findings.add(CURVE, np.array([1e-6, 3e-6]))
    return findings


def test_what_is_declared_is_written(tmp_path: Path) -> None:
    make(Declaring, declared(), out := tmp_path / "run.h5")
    run = open_run(out)
    assert (run.status, run.number(LEVEL), run.number(STEP.variant("no", ""))) == (
        "finished",
        2e-6,
        pytest.approx(np.nan, nan_ok=True),
    )
    np.testing.assert_array_equal(run.values(CURVE), [1e-6, 3e-6])


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (Quantity("slope", "S", "Slope"), r"declaring found 'slope', which Declaring\.quantities"),
        (Quantity("level", "A", "Level"), "'level' in A over no axis and declares it in S"),
        (
            Quantity("curve", "S", "Curve", ("row",)),
            "'curve' in S over row and declares it in S over step",
        ),
    ],
)
def test_what_is_not_declared_so_is_refused_and_not_written(
    other: Quantity, why: str, tmp_path: Path
) -> None:
    findings, out = declared(), tmp_path / "run.h5"
    findings.add(other, np.zeros(2) if other.dims else 1.0)
    with pytest.raises(DataError, match=why):
        make(Declaring, findings, out)
    run = open_run(out)
    assert (run.status, run.findings.values) == ("failed", {})


def test_an_axis_that_is_not_declared_is_refused(tmp_path: Path) -> None:
    findings = declared()
    findings.add_axis(Quantity("cycle", "1", "Cycle"), np.arange(3))
    with pytest.raises(DataError, match="found 'cycle'"):
        make(Declaring, findings, tmp_path / "run.h5")


def test_a_kind_that_declares_nothing_is_free(tmp_path: Path) -> None:
    findings, out = Findings(), tmp_path / "run.h5"
    findings.number("own", 3.0, "1", "Own")
    make(Free, findings, out)
    assert open_run(out).metrics == {"own": 3.0}


SOURCE = Path(memlab.__file__).parent


class Said(NamedTuple):
    """What a module calls, with how many arguments, and which names it imports from where."""

    calls: list[tuple[str, int]]
    imports: list[tuple[str | None, str]]


@cache
def modules() -> dict[str, Said]:
    """Read every module, once for all tests."""
    found = {}
    for path in SOURCE.rglob("*.py"):
        said = found[path.relative_to(SOURCE).as_posix()] = Said([], [])
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                said.imports.extend((node.module, one.name) for one in node.names)
            elif isinstance(node, ast.Call):
                of = node.func
                name = of.id if isinstance(of, ast.Name) else getattr(of, "attr", "")
                if name and not ast.unparse(of).startswith("os."):
                    said.calls.append((name, len(node.args) + len(node.keywords)))
    return found


def callers(wanted: str, *, least: int = 0) -> set[str]:
    """Return the modules that call a name, or a method of this name, with some arguments."""
    return {
        module
        for module, said in modules().items()
        if any(name == wanted and count >= least for name, count in said.calls)
    }


def imports(module: str, name: str) -> set[str]:
    """Return the modules that import a name from a module."""
    return {one for one, said in modules().items() if (module, name) in said.imports}


def test_a_run_file_is_created_in_one_place() -> None:
    assert callers("RunFile") == {"session/files.py"}


def test_the_status_of_a_run_is_set_in_one_place() -> None:
    """`RunFile.close` alone takes one; other things are closed without a word."""
    assert callers("close", least=1) == {"session/ending.py"}


def test_a_default_name_is_chosen_in_one_place() -> None:
    assert imports("memlab.storage", "default_path") == {"session/files.py"}


def test_arrays_of_runs_are_opened_in_one_place() -> None:
    """What looks at a board and leaves no run file opens it itself."""
    of_no_run = {"cli/board_bench.py", "cli/board_selftest.py", "cli/chip_settle.py"}
    tests = {path for path in callers("open_array") if path.startswith("testing/")}
    opened = callers("open_array") | callers("open_board_array")
    assert opened - tests - of_no_run == {"array/urls.py", "session/arrays.py"}
    makers = callers("recorded") | callers("written") | callers("create_run_file")
    assert not makers & of_no_run
