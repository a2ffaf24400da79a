"""One rule for output: results go to stdout, talk goes to stderr, and talk never stops a run.

Inside `standard_streams`, a write to stderr cannot fail: a viewer that went away, a full disk, a
closed descriptor or a terminal without an ohm sign cost words, never a measurement. A write to
stdout that fails is one `OutputError`, and every character that a terminal does not have is
replaced. Talk is dropped, too, where nobody reads it: a pipe that is full, a terminal that is held.
"""

from __future__ import annotations

import codecs
import json
import os
import select
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from firmware_protocol.errors import MemlabError

__all__ = ["OutputError", "show_document", "standard_streams", "tell"]

_FILE_KEYS = ("run", "out", "table", "report", "preset", "figure")
"""Where the document of a command names the files that it wrote."""

_PATIENCE = 2000
"""Milliseconds for a reader of stderr to make room; then talk is dropped until he has."""
_PIECE = getattr(select, "PIPE_BUF", 512) // 4
"""Characters that fit into a pipe which has room, however they are encoded."""


class OutputError(MemlabError):
    """The result could not be written to stdout; `saved` names the files that hold it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.saved: list[str] = []


def show_document(document: object) -> None:
    """Print one JSON document on stdout, where it is complete or an error."""
    try:
        sys.stdout.write(json.dumps(document) + "\n")
        sys.stdout.flush()
    except OutputError as error:
        if isinstance(document, Mapping):
            error.saved += [str(document[key]) for key in _FILE_KEYS if document.get(key)]
        raise


def tell(document: Any, as_json: bool, words: Callable[[Any], Iterable[str]]) -> None:
    """Print what a command found on stdout: a document, or the lines that `words` makes of it."""
    if as_json:
        show_document(document)
    else:
        from click import echo  # only now: errors of `memlab --help` do not wait for it

        echo("\n".join(words(document)))  # which knows what to do without a stdout


@contextmanager
def standard_streams() -> Iterator[None]:
    """Make stdout and stderr keep the rule; as they were afterwards."""
    _fill_descriptors()
    _register_replacement()
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = results, talk = _Results(sys.stdout), _Talk(sys.stderr)
    try:
        yield
    finally:
        results.end()
        talk.end()
        sys.stdout, sys.stderr = before


class _Stream:
    """What stands before one of the two streams. It has no `buffer`, so that nobody gets past it.

    Parameters
    ----------
    inner
        The stream itself; None where Python found its descriptor closed.
    """

    def __init__(self, inner: TextIO | None) -> None:
        self._inner = inner
        self._broken = False
        self.encoding = getattr(inner, "encoding", None) or "utf-8"
        self._errors = getattr(inner, "errors", None)
        if inner is not None and hasattr(inner, "reconfigure"):
            inner.reconfigure(errors=_REPLACEMENT)

    def write(self, text: str) -> int:
        try:
            if self._inner is None:
                raise ValueError("it is closed")
            self._inner.write(text)
        except (OSError, ValueError) as error:
            self._failed(error)
        return len(text)

    def flush(self) -> None:
        try:
            if self._inner is not None:
                self._inner.flush()
        except (OSError, ValueError) as error:
            self._failed(error)

    def isatty(self) -> bool:
        try:
            return self._inner is not None and self._inner.isatty()
        except ValueError:  # closed since
            return False

    def fileno(self) -> int:
        if self._inner is None:
            raise OSError("the stream is closed")
        return self._inner.fileno()

    def writable(self) -> bool:
        return True

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    @property
    def closed(self) -> bool:
        return False

    def _failed(self, error: OSError | ValueError) -> None:
        self._broken = True

    def end(self) -> None:
        """Write what waits; where it cannot be written, let the end of the program not try it."""
        with suppress(OutputError):
            self.flush()
        if self._inner is None:
            return
        if self._broken:
            with suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._inner.fileno())
                os.close(nowhere)
        elif hasattr(self._inner, "reconfigure"):
            with suppress(OSError, ValueError):
                self._inner.reconfigure(errors=self._errors)


class _Talk(_Stream):
    """Stderr: what cannot be written is dropped, and what cannot be written soon."""

    def __init__(self, inner: TextIO | None) -> None:
        super().__init__(inner)
        self._stuck = False

    def write(self, text: str) -> int:
        if not isinstance(text, str):  # click tries bytes, to see whether they would go
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        for start in range(0, len(text), _PIECE):
            if self._ready():
                super().write(text[start : start + _PIECE])
                # Nothing waits in a buffer that would have to go out before the next piece.
                super().flush()
        return len(text)

    def _ready(self) -> bool:
        """Whether a piece can be written without waiting; a reader is waited for once."""
        try:
            descriptor = self.fileno()
        except (OSError, ValueError):
            return True  # no stream of the system, or closed: writing says so
        if not hasattr(select, "poll"):
            return True
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT)
        self._stuck = not poll.poll(0 if self._stuck else _PATIENCE)
        return not self._stuck


class _Results(_Stream):
    """Stdout: what cannot be written is an error, once."""

    def _failed(self, error: OSError | ValueError) -> None:
        first, self._broken = not self._broken, True
        if first:
            reason = getattr(error, "strerror", None) or str(error)
            raise OutputError(f"the result cannot be written to stdout: {reason}") from error


_REPLACEMENT = "memlab.replace"


def _register_replacement() -> None:
    """Know how to replace what a terminal lacks; names of files keep their bytes."""

    def replace(error: UnicodeError) -> tuple[str | bytes, int]:
        if not isinstance(error, UnicodeEncodeError):
            raise error
        character = error.object[error.start]
        if "\udc80" <= character <= "\udcff":  # a byte of a file's name that is no text
            return bytes([ord(character) - 0xDC00]), error.start + 1
        return _PLAIN.get(character, "?"), error.start + 1

    codecs.register_error(_REPLACEMENT, replace)


_PLAIN = {
    "\N{OHM SIGN}": "ohm",
    "\N{PLUS-MINUS SIGN}": "+-",
    "\N{GREEK CAPITAL LETTER OMEGA}": "ohm",
    "\N{MICRO SIGN}": "u",
    "\N{GREEK SMALL LETTER MU}": "u",
}


def _fill_descriptors() -> None:
    """Open descriptors 0 to 2 where they are closed: the next run file would become stderr."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            with suppress(OSError):
                # The lowest number is given out, and those below are open by now.
                os.open(os.devnull, os.O_RDWR)
