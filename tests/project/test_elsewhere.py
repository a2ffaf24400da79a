"""Without what only POSIX has, every module loads and an emulated chip works.

The modules and names that Windows lacks are taken away in a process of its own. What a Windows
does with files and ports is not shown by that.
"""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.virtual_board import REPOSITORY

MODULES = ("fcntl", "grp", "pty", "pwd", "resource", "termios", "tty")
NAMES = {
    "os": ("fchmod", "fork", "fstatvfs", "getuid", "openpty", "register_at_fork", "ttyname"),
    "signal": ("SIGALRM", "SIGHUP", "SIGKILL", "SIGUSR1", "pthread_sigmask", "setitimer"),
}
NEEDED = {"memlab.virtual_board.pty_port"}
"""Modules that are nothing without POSIX: imported by the command that asks for a terminal."""
PACKAGES = ("firmware_protocol", "drivers", "memlab")

TAKEN_AWAY = f"""
import builtins, os, signal
# Python's own and other people's modules choose by the platform, which here is POSIX all the same.
import multiprocessing.popen_spawn_posix, subprocess, tempfile, serial
theirs = builtins.__import__
def imported(name, globals=None, locals=None, fromlist=(), level=0):
    if name in {MODULES!r} and str((globals or {{}}).get("__name__")).startswith({PACKAGES!r}):
        raise ModuleNotFoundError(name)
    return theirs(name, globals, locals, fromlist, level)
builtins.__import__ = imported
for module, names in ((os, {NAMES["os"]!r}), (signal, {NAMES["signal"]!r})):
    for name in names:
        delattr(module, name)
"""


def without_posix(program: str, before: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-c", before + TAKEN_AWAY + program],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def imported_at_once(path: Path) -> set[str]:
    """Return the POSIX modules that a file imports outside of functions."""
    found: set[str] = set()
    text = path.read_text()
    if not any(name in text for name in MODULES):
        return found  # to parse hundreds of files takes seconds
    left: list[ast.AST] = [ast.parse(text)]
    while left:
        node = left.pop()
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            left += ast.iter_child_nodes(node)
    return found & set(MODULES)


def test_posix_modules_are_imported_where_they_are_used() -> None:
    files = [path for name in PACKAGES for path in (REPOSITORY / name).rglob("*.py")]
    at_once = {path for path in files if imported_at_once(path)}
    names = {".".join(path.relative_to(REPOSITORY).with_suffix("").parts) for path in at_once}
    assert names == NEEDED


@pytest.mark.skipif(os.name != "posix", reason="nothing to take away")
def test_an_emulated_chip_works_without_posix() -> None:
    said = without_posix(
        """
import memlab
with memlab.open_array("emulator:?seed=7&chip=ideal") as array:
    array.program_row(3, gate_voltage=1.2)
    print(array[3, :4].read_conductance().round(7).tolist())
"""
    )
    assert said == "[[0.0002376, 0.0002376, 0.0002376, 0.0002376]]\n"


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="nothing to take away")
def test_every_module_loads_without_posix() -> None:
    failed = without_posix(
        before="import dask, distributed, matplotlib.pyplot, xarray",
        program=f"""
import importlib, pkgutil
count = 0
for root in map(importlib.import_module, {PACKAGES!r}):
    for found in pkgutil.walk_packages(root.__path__, root.__name__ + "."):
        if not found.name.startswith("memlab.torch") and not found.name.endswith("__main__"):
            count += 1
            try:
                importlib.import_module(found.name)
            except ImportError:
                print(found.name)
assert count > 300, count
""",
    )
    assert set(failed.split()) == NEEDED
