"""Commands in this process, and what users do with any run file."""

import contextlib
import io
import json
import sys
from pathlib import Path

import h5py
import pytest

from memlab.cli import main
from memlab.runs.export import Format

__all__ = ["look_at", "status_of", "type_in"]


def type_in(*arguments: str) -> str:
    """Run a command line that must succeed and return what it says."""
    said, talk = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["memlab", *arguments])
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(talk):
            with pytest.raises(SystemExit) as ended:
                main()
    assert ended.value.code in (0, None), talk.getvalue()
    return said.getvalue()


def look_at(path: Path) -> None:
    """Show, compare, export and check a run file as users do."""
    shown = json.loads(type_in("runs", "show", str(path), "--json"))
    assert shown["status"] == status_of(path)
    assert shown["kind"] in type_in("runs", "show", str(path))
    same = json.loads(type_in("runs", "diff", str(path), str(path), "--json"))
    assert same["same"]
    assert {one["name"] for one in same["numbers"]} == shown["results"].keys()
    assert _kinds(path.parent)[str(path)] == shown["kind"]
    for form in Format:
        out = path.with_name(f"{path.stem}-{form}")
        said = json.loads(
            type_in("runs", "export", str(path), "--format", str(form), "--out", str(out), "--json")
        )
        assert said["files"]
        assert all(Path(file).stat().st_size for file in said["files"])
    if status_of(path) == "finished":
        type_in("runs", "validate", str(path))


def _kinds(folder: Path) -> dict[str, str]:
    listed = json.loads(type_in("runs", "list", str(folder), "--json"))
    return {run["run"]: run["kind"] for run in listed["runs"]}


def status_of(path: Path) -> str:
    with h5py.File(path, "r") as file:
        return str(file["entry"].attrs["status"])
