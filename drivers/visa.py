"""Serial ports through PyVISA, for laboratories that name their ports there: `visa://ASRL3::INSTR`.

PyVISA is imported when such a port is opened, and not before. A VISA read that times out loses what
it had; so what waits is asked for, and nothing else, and waiting itself is done by looking. The
pure Python backend (PyVISA-py) reads byte by byte: fine for the published board, slow for MLP/1.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any

from drivers.errors import TransportError
from drivers.transport import Transport

__all__ = ["open_resource", "open_session"]

_TIMEOUT_MS = 1000.0
_LOOK_EVERY = 0.001
_AT_ONCE = 512


def open_resource(resource: str, baudrate: int, backend: str = "") -> Transport:
    """Open a serial VISA resource as a byte stream.

    Parameters
    ----------
    resource
        For example `ASRL3::INSTR` or `ASRL/dev/ttyUSB0::INSTR`.
    baudrate
        Its baud rate.
    backend
        VISA library, for example `@py`; PyVISA's own choice by default.

    Raises
    ------
    TransportError
        If PyVISA or its backend is missing, or the resource cannot be opened.
    """
    if not resource.upper().startswith("ASRL"):
        raise TransportError(
            f"visa://{resource}: only serial resources (ASRL...) are opened through VISA; write "
            "socket://host:port for one on the network"
        )
    session = open_session(resource, backend, "serial:// reaches the same port without VISA")
    return _VisaTransport(session, resource, baudrate)


def open_session(resource: str, backend: str, otherwise: str) -> Any:
    """Open a VISA resource for this process alone; `otherwise` ends the error where that fails.

    Raises
    ------
    TransportError
        If PyVISA or its backend is missing, or the resource cannot be opened.
    """
    try:
        import pyvisa
    except ImportError as error:
        raise TransportError(f"{resource} needs PyVISA: pip install pyvisa") from error
    try:
        manager = pyvisa.ResourceManager(backend)
        return manager.open_resource(
            resource, access_mode=pyvisa.constants.AccessModes.exclusive_lock
        )
    except Exception as error:  # backends raise their own kinds; each means that it is not open
        raise TransportError(
            f"cannot open VISA resource {resource}: {error}. `pyvisa-shell` lists what there is; "
            f"{otherwise}"
        ) from error


class _VisaTransport:
    """A serial VISA session without terminators."""

    def __init__(self, session: Any, name: str, baudrate: int) -> None:
        import pyvisa

        self._session = session
        self._name = name
        self._open = True
        self._byte_rate = baudrate / 10
        # A part that leaves in 50 ms, so that no write comes near the timeout.
        self._portion = max(64, int(self._byte_rate * 0.05))
        self._lock = threading.Lock()
        session.read_termination = session.write_termination = None
        session.baud_rate = baudrate
        session.end_input = pyvisa.constants.SerialTermination.none
        session.timeout = _TIMEOUT_MS

    @property
    def byte_rate(self) -> float | None:
        """Bytes per second of the line."""
        return self._byte_rate

    def read(self, timeout: float) -> bytes:
        """Return what has arrived; wait up to `timeout` seconds for it."""
        give_up = time.monotonic() + timeout
        while True:
            self._check_open()
            try:
                with self._lock:
                    waiting = int(self._session.bytes_in_buffer)
                    if waiting:
                        return bytes(self._session.read_bytes(min(waiting, _AT_ONCE)))
            except Exception as error:
                raise self._lost("reading", error) from error
            if time.monotonic() >= give_up:
                return b""
            time.sleep(_LOOK_EVERY)

    def write(self, data: bytes) -> int:
        """Hand over as many bytes as leave in 50 ms."""
        self._check_open()
        try:
            with self._lock:
                return int(self._session.write_raw(data[: self._portion]))
        except Exception as error:
            raise self._lost("writing", error) from error

    def discard_output(self) -> None:
        """Forget bytes that were handed over and have not left, where the backend can."""
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
