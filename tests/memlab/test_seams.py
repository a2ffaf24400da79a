"""`Board` and `Array` say what they can do; nobody asks which one they are."""

import ast
from pathlib import Path

import memlab

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
