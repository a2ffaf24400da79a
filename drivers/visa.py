"""Bytes through PyVISA, for laboratories that name their ports there: `visa://ASRL3::INSTR`.

PyVISA is imported when such a port is opened, and not before. With the pure Python backend
(PyVISA-py) serial ports are read byte by byte: fine for the published board, slow for MLP/1.
"""

from __future__ import annotations

import contextlib
from typing import Any

from drivers.errors import TransportError
from drivers.transport import Transport

__all__ = ["open_resource"]


def open_resource(resource: str, baudrate: int, backend: str = "") -> Transport:
    """Open a VISA resource as a byte stream.

    Parameters
    ----------
    resource
        For example `ASRL3::INSTR`, `ASRL/dev/ttyUSB0::INSTR` or `TCPIP::host::5025::SOCKET`.
    baudrate
        Of a serial resource.
    backend
        VISA library, for example `@py`; PyVISA's own choice by default.

    Raises
    ------
    TransportError
        If PyVISA or its backend is missing, or the resource cannot be opened.
    """
    try:
        import pyvisa
    except ImportError as error:
        raise TransportError(f"visa://{resource} needs PyVISA: pip install pyvisa") from error
    try:
        manager = pyvisa.ResourceManager(backend)
        session: Any = manager.open_resource(
            resource, access_mode=pyvisa.constants.AccessModes.exclusive_lock
        )
    except Exception as error:  # backends raise their own kinds; each means that it is not open
        raise TransportError(
            f"cannot open VISA resource {resource}: {error}. `pyvisa-shell` lists what there is; "
            "serial:// or socket:// reach the same port without VISA"
        ) from error
    return _VisaTransport(session, resource, baudrate)


class _VisaTransport:
    """A message-based VISA session without terminators."""

    def __init__(self, session: Any, name: str, baudrate: int) -> None:
        import pyvisa

        self._error = pyvisa.errors.VisaIOError
        self._timeout_code = pyvisa.constants.StatusCode.error_timeout
        self._session = session
        self._name = name
        self._open = True
        self._serial = name.upper().startswith("ASRL")
        session.read_termination = session.write_termination = None
        if self._serial:
            session.baud_rate = baudrate
            session.end_input = pyvisa.constants.SerialTermination.none
        self._byte_rate = baudrate / 10 if self._serial else None

    @property
    def byte_rate(self) -> float | None:
        """Bytes per second of the line; None for a network resource."""
        return self._byte_rate

    def read(self, timeout: float) -> bytes:
        """Return what has arrived; wait up to `timeout` seconds for it."""
        self._check_open()
        try:
            waiting = self._session.bytes_in_buffer if self._serial else 0
            self._session.timeout = max(1.0, timeout * 1000.0)
            return bytes(self._session.read_bytes(max(1, waiting), break_on_termchar=False))
        except self._error as error:
            if error.error_code == self._timeout_code:
                return b""
            raise self._lost("reading", error) from error
        except Exception as error:
            raise self._lost("reading", error) from error

    def write(self, data: bytes) -> int:
        """Hand over the bytes; waits up to a second for a slow line."""
        self._check_open()
        try:
            self._session.timeout = 1000.0
            return int(self._session.write_raw(data))
        except Exception as error:
            raise self._lost("writing", error) from error

    def discard_output(self) -> None:
        """Forget bytes that were handed over and have not left, where VISA can."""
        import pyvisa

        with contextlib.suppress(Exception):
            self._session.flush(pyvisa.constants.BufferOperation.discard_write_buffer)

    def close(self) -> None:
        """Let go of the resource; calling it again does nothing."""
        if self._open:
            self._open = False
            with contextlib.suppress(Exception):
                self._session.close()

    def _check_open(self) -> None:
        if not self._open:
            raise TransportError(f"visa://{self._name} is closed")

    def _lost(self, doing: str, error: Exception) -> TransportError:
        return TransportError(
            f"visa://{self._name}: the line died while {doing} ({error}). Check cable and power "
            "of the board; the next call tries to connect again"
        )
