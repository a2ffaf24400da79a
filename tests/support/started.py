"""A function of a test in a process of its own: forked where it can be, which is at once."""

import os
import subprocess
import sys
from typing import Any


def start(target: str, *arguments: str) -> Any:
    """Call a function with texts in another process.

    Parameters
    ----------
    target
        MODULE:FUNCTION.

    Returns
    -------
    What is like a `Popen` with text pipes; what it says on stderr is told by `communicate`.
    """
    module, _, name = target.partition(":")
    if os.name == "posix":
        from support.forked_command import Forked

        return Forked(_call, module, name, *arguments)
    program = "import sys; from support.started import _call; _call(*sys.argv[1:])"
    return subprocess.Popen(
        [sys.executable, "-c", program, module, name, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


def run(program: str, *arguments: str) -> tuple[int, str, str]:
    """Run the text of a program to its end; return its exit code, stdout and stderr."""
    process = start("support.started:execute", program, *arguments)
    out, said = process.communicate(timeout=60)
    return process.returncode, out, said


def command(*words: str) -> None:
    """Be `memlab` with these words."""
    from memlab.cli import run_as_program

    sys.argv = ["memlab", *words]
    sys.exit(run_as_program())


def execute(program: str, *arguments: str) -> None:
    """Be the program of a text."""
    sys.argv = ["-c", *arguments]
    exec(compile(program, "<string>", "exec"), {"__name__": "__main__"})


def _call(module: str, name: str, *arguments: str) -> None:
    from importlib import import_module

    getattr(import_module(module), name)(*arguments)
