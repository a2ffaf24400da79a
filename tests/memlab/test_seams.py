"""`Board` and `Array` say what they can do; nobody asks which one they are."""

import ast
from pathlib import Path

import pytest

import drivers.board
import memlab
import memlab.array.seam

PACKAGE = Path(memlab.__file__).parent
CONCRETE = {
    "BoardArray",
    "CheckedBoard",
    "DpeBoard",
    "EmulatedBoard",
    "IdealArray",
    "RecordedBoard",
    "SerialBoard",
}


def asked_for(source: str) -> set[str]:
    """Return the names of the classes that `isinstance`, `issubclass` or `match` ask for."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        about: list[ast.expr] = []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in ("isinstance", "issubclass"):
                about = [node.args[1]]
        elif isinstance(node, ast.MatchClass):
            about = [node.cls]
        for one in about:
            names = [part for part in ast.walk(one) if isinstance(part, ast.Name | ast.Attribute)]
            found |= {n.id if isinstance(n, ast.Name) else n.attr for n in names}
    return found


def asked_by_attribute(source: str) -> bool:
    """Return whether `hasattr` asks a board or an array what it is."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return any(
        isinstance(call.func, ast.Name)
        and call.func.id == "hasattr"
        and {"array", "board"} & {part.lower() for part in ast.unparse(call.args[0]).split(".")}
        for call in calls
    )


def test_questions_are_found_wherever_they_are() -> None:
    assert asked_for("assert isinstance(a.board, (x.SerialBoard, int))") >= {"SerialBoard", "int"}
    assert "IdealArray" in asked_for("if issubclass(c, IdealArray | Other): pass")
    assert "DpeBoard" in asked_for("match b:\n    case DpeBoard():\n        pass")
    assert not asked_for("SerialBoard(link)")
    assert asked_by_attribute("hasattr(array.board, 'clock')")
    assert not asked_by_attribute("hasattr(os, 'fork')")


def test_nobody_asks_which_board_or_array_it_is() -> None:
    paths = [path for path in sorted(PACKAGE.rglob("*.py")) if path.name != "urls.py"]
    assert len(paths) > 300
    sources = {path: path.read_text(encoding="utf-8") for path in paths}
    asking = {
        str(path.relative_to(PACKAGE)): asked_for(text) & CONCRETE for path, text in sources.items()
    }
    assert {path: names for path, names in asking.items() if names} == {}
    assert [path for path, text in sources.items() if asked_by_attribute(text)] == []


PAGE = 66
"""Lines of a printed page, of 11 inches at six to the inch."""


def code_lines(source: str) -> int:
    """Return how many lines are code: no docstring, no comment, not empty."""
    tree = ast.parse(source)
    docs = [node for node in ast.walk(tree) if isinstance(node, ast.Expr)]
    told = {
        line
        for node in docs
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or 0) + 1)
    }
    lines = enumerate(source.splitlines(), 1)
    return sum(n not in told and bool(text.split("#")[0].strip()) for n, text in lines)


def test_lines_of_code_are_counted_without_words() -> None:
    assert code_lines('"""Two\nlines."""\n\nx = 1  # why\n# why\ny = """kept"""\n') == 2


@pytest.mark.parametrize("seam", [drivers.board, memlab.array.seam], ids=lambda one: one.__name__)
def test_a_seam_fits_on_two_pages(seam: object) -> None:
    source = Path(str(seam.__file__)).read_text(encoding="utf-8")  # type: ignore[attr-defined]
    assert code_lines(source) <= 2 * PAGE
    assert len(source.splitlines()) <= 4 * PAGE  # with all that is said of it
