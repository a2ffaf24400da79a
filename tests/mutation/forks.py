"""A plug-in of pytest that collects once and then forks for each mutant.

What imports everything again for each mutant spends most of its time on that. Here the tests are
collected once; for a mutant the process forks, the child puts the changed code into the functions
that hold it, and runs the tests that reach it until one fails. Code that runs at import cannot be
changed in this way, which `patch` says.

`FORKS_FDS` are two file descriptors. One JSON document a line comes in: `module` (absolute path),
its source `before` and `after`, `tests` in their order, at most how many `seconds` of the processor
and `wall` seconds. One word a line goes out: what became of it (`Verdict`).
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest

__all__ = ["PASSED", "patch"]

PASSED, FAILED, NOT_PATCHED = 0, 1, 3
"""Exit codes of a child."""


def patch(path: Path, before: str, after: str) -> bool:
    """Put the code of a changed module into its functions; whether that was possible.

    Nothing is possible where code of a module's or a class's body differs, or where no function
    holds the code that differs.
    """
    with contextlib.suppress(ValueError):  # a closure that needs one variable less
        changed = list(_changed(_compile(path, before), _compile(path, after), inside=False))
        functions = [one for one in gc.get_objects() if isinstance(one, FunctionType)]
        held = 0
        for old, new in changed:
            for one in functions:
                if one.__code__ == old and one.__code__.co_filename == str(path):
                    one.__code__ = new
                    held += 1
        return held > 0
    return False


def _compile(path: Path, source: str) -> CodeType:
    return compile(source, str(path), "exec", dont_inherit=True)


def _changed(old: CodeType, new: CodeType, *, inside: bool) -> Iterator[tuple[CodeType, CodeType]]:
    """Yield the code of each function before and after; ValueError if other code differs."""
    function = bool(old.co_flags & 0x0002)  # CO_NEWLOCALS: neither a module nor a class
    if not function and not inside and _own(old) != _own(new):
        raise ValueError("code that runs at import differs")
    if function and old == new:
        return
    if function:
        yield old, new
    for a, b in zip_longest(_nested(old), _nested(new)):
        if a is None or b is None or a.co_name != b.co_name:
            if inside or function:
                return
            raise ValueError("functions came or went")
        yield from _changed(a, b, inside=inside or function)


def _nested(code: CodeType) -> list[CodeType]:
    return [one for one in code.co_consts if isinstance(one, CodeType)]


def _own(code: CodeType) -> tuple[Any, ...]:
    constants = [repr(one) for one in code.co_consts if not isinstance(one, CodeType)]
    return code.co_code, constants, code.co_names, code.co_varnames


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    """Try what is asked for until nothing more is."""
    come, go = map(int, os.environ["FORKS_FDS"].split(","))
    items = {item.nodeid: item for item in session.items}
    with os.fdopen(come) as asked, os.fdopen(go, "w") as answers:
        print("ready", file=answers, flush=True)
        for line in asked:
            print(_try(session, items, json.loads(line)), file=answers, flush=True)
    return True


def _try(session: pytest.Session, items: dict[str, pytest.Item], wanted: dict[str, Any]) -> str:
    child = os.fork()
    if not child:
        try:
            os.setsid()
            os._exit(_child(session, [items[name] for name in wanted["tests"]], wanted))
        finally:
            os._exit(FAILED)
    end, pause = time.monotonic() + wanted["wall"], 0.002
    while True:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            break
        if time.monotonic() > end:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "late"
        time.sleep(pause)
        pause = min(2 * pause, 0.1)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)  # what the tests left behind
    if os.WIFSIGNALED(status):
        return "loops" if os.WTERMSIG(status) == signal.SIGXCPU else "failed"
    code = os.WEXITSTATUS(status)
    return {PASSED: "passed", NOT_PATCHED: "import"}.get(code, "failed")


def _child(session: pytest.Session, items: list[pytest.Item], wanted: dict[str, Any]) -> int:
    if not patch(Path(wanted["module"]), wanted["before"], wanted["after"]):
        return NOT_PATCHED
    seconds = int(wanted["seconds"])
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    try:
        for item, following in zip_longest(items, items[1:]):
            if item is None:
                break
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.testsfailed:
                return FAILED
    except BaseException:  # also an exit that a mutant asks for
        return FAILED
    finally:
        sys.stdout.flush()
    return PASSED
