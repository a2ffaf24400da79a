"""The cause of an error is its errno; no word of a text that holds the user's own path."""

import errno
import os
import sys
from pathlib import Path

import pytest
import serial

from drivers.errors import InUseError, TransportError
from drivers.transport import open_port

WORDS = ["busy0", "exclusively lock", "permission", "access is denied", "locked"]


@pytest.mark.parametrize("word", WORDS)
def test_a_port_that_is_not_there_is_not_in_use_whatever_its_name(word: str) -> None:
    with pytest.raises(TransportError, match="Check cable and name") as error:
        open_port(f"/dev/{word}", 115200)
    assert not isinstance(error.value, InUseError)
    assert "group dialout" not in str(error.value)


@pytest.mark.parametrize(
    ("number", "kind", "says"),
    [
        (errno.EBUSY, InUseError, "has it open"),
        (errno.EAGAIN, InUseError, "has it open"),
        (errno.EACCES, TransportError, "group dialout"),
        (errno.EPERM, TransportError, "group dialout"),
        (errno.ENOENT, TransportError, "Check cable"),
        (errno.EIO, TransportError, "Check cable"),
    ],
)
@pytest.mark.parametrize("hidden", [False, True], ids=["told", "as its cause"])
def test_what_the_system_says_decides(
    number: int,
    kind: type[TransportError],
    says: str,
    hidden: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        cause = OSError(number, os.strerror(number))
        if not hidden:
            raise serial.SerialException(number, "could not open port") from cause
        raise serial.SerialException("could not open port") from cause

    monkeypatch.setattr(serial, "serial_for_url", fail)
    with pytest.raises(kind, match=says) as error:
        open_port("/dev/ttyX9", 115200)
    assert type(error.value) is kind


def test_windows_says_it_in_words_only_and_the_name_of_the_port_is_none_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(url: str, **_: object) -> None:
        raise serial.SerialException(f"could not open port {url!r}: {reason}")

    monkeypatch.setattr(serial, "serial_for_url", fail)
    reason = "PermissionError(13, 'Access is denied.', None, 5)"
    with pytest.raises(TransportError, match="another program has it"):
        open_port("COM3", 115200)
    reason = "FileNotFoundError(2, 'The system cannot find the file specified.', None, 2)"
    with pytest.raises(TransportError, match="Check cable"):
        open_port("PermissionError(13,", 115200)


def test_no_module_looks_for_words_in_the_text_of_an_error() -> None:
    """The kind of fault, not the example: `"..." in str(error)` and its relatives."""
    root = Path(sys.modules["drivers"].__file__ or "").parents[1]
    found = [
        f"{path.relative_to(root)}:{number}"
        for package in ("firmware_protocol", "drivers", "memlab")
        for path in (root / package).rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if "in str(error)" in line or "str(error).lower()" in line or "in str(exc" in line
    ]
    assert found == []
