"""The one place that turns an exception into one line and an exit code.

Exit codes: 0 done, 1 failed, 2 usage, 3 board unreachable or protocol error, 4 a safety limit
refused, 130 interrupted. The line says what was wrong, and which files hold what was measured.
"""

from __future__ import annotations

import errno
import os
import re
import shlex
from collections.abc import Iterator, Sequence

import rich_click as click

from drivers.known_names import did_you_mean
from firmware_protocol.errors import MemlabError
from memlab.errors import exit_code

__all__ = ["INTERRUPTED", "explain"]

INTERRUPTED = 130

_NUMBER = re.compile(r"\[(Errno|WinError) -?\d+\] ?")
"""What Python puts before the words of the system, in errors that quote one."""
_AGAIN = "run it again with --debug for the traceback"


def explain(error: BaseException) -> tuple[str, int]:
    """Return the one line of an error, and the exit code."""
    text, code = _cause(error)
    text = _NUMBER.sub("", " ".join(text.split())) or type(error).__name__
    saved = [name for name in _saved(error) if name not in text]
    if saved:
        text += f"; what was measured is in {', '.join(saved)}"
    if (path := _resumable(error)) is not None:
        text += f"; go on with: memlab runs resume {shlex.quote(path)}"
    return text, code


def _cause(error: BaseException) -> tuple[str, int]:
    match error:
        case click.BadParameter(param=click.Parameter(type=click.IntRange() | click.FloatRange())):
            return _out_of_range(error), error.exit_code
        case click.BadParameter(param=click.Parameter(type=click.Choice() as kind)):
            return _no_choice(error, kind.choices), error.exit_code
        case click.ClickException():
            return error.format_message(), error.exit_code
        case click.Abort() | KeyboardInterrupt():
            return _interrupted(error), INTERRUPTED
        case SystemExit():
            code = error.code if isinstance(error.code, int) and error.code else 1
            return f"the program was ended by what it ran (SystemExit: {error.code})", code
        case MemlabError():
            return str(error), exit_code(error)
        case MemoryError():
            detail = f": {error}" if str(error) else ""
            return f"there is not enough memory{detail}; ask for less at a time", 1
        case RecursionError():
            return f"something is nested too deeply ({error}); {_AGAIN}", 1
        case OSError():
            return _of_the_system(error), 1
        case ImportError():
            return f"a package is missing or broken: {error}; {_AGAIN}", 1
        case _:
            return f"{type(error).__name__}: {error}; {_AGAIN}", 1


def _out_of_range(error: click.BadParameter) -> str:
    """Say which numbers an option takes; of a word click says "not a valid integer range"."""
    kind = error.param.type  # type: ignore[union-attr]
    assert isinstance(kind, click.IntRange | click.FloatRange)
    allowed = "a whole number" if isinstance(kind, click.IntRange) else "a number"
    if kind.min is not None:
        allowed += f" {'above' if kind.min_open else 'from'} {kind.min}"
    if kind.max is not None:
        allowed += f" {'below' if kind.max_open else 'up to'} {kind.max}"
    return re.sub(r"not a valid (integer|float) range", f"not {allowed}", error.format_message())


def _no_choice(error: click.BadParameter, choices: Sequence[str]) -> str:
    """Say which of the choices may have been meant."""
    text = error.format_message()
    said = re.search(r"'([^']*)' is not one of", text)
    hint = did_you_mean(said[1], choices) if said else ""
    return f"{text} {hint}".strip()


def _interrupted(error: BaseException) -> str:
    source = error.__cause__ or error  # click's Abort stands for a KeyboardInterrupt
    by = next(iter(source.args), "")
    how = f" by {by}" if by in ("SIGTERM", "SIGHUP", "SIGBREAK") else ""
    return f"interrupted{how}; every line is grounded"


def _of_the_system(error: OSError) -> str:
    """Say what the operating system refused, and where; HDF5 hides it in its own text."""
    text = str(error)
    number = error.errno
    if number is None and (found := re.search(r"errno = (\d+)", text)):
        number = int(found[1])
    where = error.filename
    if where is None and (found := re.search(r"name = '([^']*)'", text)):
        where = found[1]
    if isinstance(where, bytes):
        where = os.fsdecode(where)
    if not number:
        return f"{text}; {_AGAIN}"
    reason = os.strerror(number)
    if number == errno.ENOSPC:
        reason += "; make room and run it again"
    return f"{where}: {reason}" if where is not None else reason


def _saved(error: BaseException) -> list[str]:
    """Return the files that an error, or one that it came from, names as saved, and that exist."""
    names: dict[str, None] = {}
    for one in _chain(error):
        names |= dict.fromkeys(str(path) for path in getattr(one, "saved", ()))
    return [name for name in names if os.path.exists(name)]


def _resumable(error: BaseException) -> str | None:
    """Return the run file with which the run goes on that an error ended, if it can."""
    for one in _chain(error):
        path = getattr(one, "resumable", None)
        if path is not None and os.path.exists(path):
            return str(path)
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that it came from."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__
