"""The picture of the imports is that of the code."""

import runpy
import sys

import pytest
from support.virtual_board import REPOSITORY

SCRIPT = runpy.run_path(str(REPOSITORY / "scripts" / "architecture.py"))


def test_the_picture_in_the_docs_is_that_of_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["architecture.py", "--check"])
    assert SCRIPT["main"]() == 0


def test_what_follows_from_others_is_left_out() -> None:
    edges = {"a": {"b", "c", "d"}, "b": {"c"}, "c": set(), "d": set()}
    assert SCRIPT["reduced"](edges) == {"a": {"b", "d"}, "b": {"c"}, "c": set(), "d": set()}


def test_the_code_imports_nothing_against_the_layers_that_are_drawn() -> None:
    order = [name for layer in SCRIPT["layers"]() for name in layer]
    edges = SCRIPT["imports"]()
    assert {"array", "drivers"} <= edges["cli"]
    assert "array" not in edges["drivers"] | edges["emulator"]
    for name, direct in edges.items():
        assert all(order.index(other) > order.index(name) for other in direct), name
