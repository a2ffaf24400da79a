"""A plug-in of pytest that notes which tests run which lines, and how long each takes.

    python -m pytest -p tests.mutation.reach ...      # writes JSON to the file REACH_FILE

`REACH_OF` names the modules, absolute and with `os.pathsep` between them. Lines that run when a
module is imported belong to the test ''.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Generator
from pathlib import Path

import coverage
import pytest

_modules = os.environ["REACH_OF"].split(os.pathsep)
_recorder = coverage.Coverage(data_file=None, config_file=False, include=_modules)
_recorder.start()  # before any module is imported
_seconds: dict[str, float] = {}
_failed: list[str] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Record what runs as that of this test, and its processor time (s)."""
    _recorder.switch_context(item.nodeid)
    began = time.process_time()
    found = yield
    _seconds[item.nodeid] = time.process_time() - began
    _recorder.switch_context("")
    return found


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note which test fails."""
    if report.failed:
        _failed.append(report.nodeid)


def pytest_sessionfinish() -> None:
    """Write what was found."""
    _recorder.stop()
    data = _recorder.get_data()
    lines = {module: data.contexts_by_lineno(module) for module in _modules}
    Path(os.environ["REACH_FILE"]).write_text(
        json.dumps({"seconds": _seconds, "failed": _failed, "lines": lines})
    )
