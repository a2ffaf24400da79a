"""A board of this wire that lies: real firmware, and a hook that changes what it sends."""

import secrets
import threading
import time
from collections.abc import Callable, Iterable

from support.loopback import PaperBoard

from firmware_protocol.codec import Message
from firmware_protocol.firmware import Firmware
from firmware_protocol.framing import Decoder, Frame
from firmware_protocol.journal import Memory

Tamper = Callable[[Frame], Iterable[Frame | bytes]]


class HostileBoard:
    """A `drivers.transport.Transport` with the firmware of a `PaperBoard` at its far end.

    Parameters
    ----------
    tamper
        Given each frame that the board sends; returns what is sent in its place.
    memory
        What the board remembers.
    """

    byte_rate: float | None = None

    def __init__(self, tamper: Tamper, memory: Memory | None = None) -> None:
        self.board = PaperBoard()
        self.board.uid = secrets.token_bytes(12)
        self.firmware = Firmware(self.board, memory or Memory())
        self.tamper = tamper
        self.asked = 0
        self._decoder = Decoder()
        self._lock = threading.Lock()

    def open(self) -> "HostileBoard":
        """Open it again, like an `Opener`."""
        return self

    def read(self, timeout: float) -> bytes:
        give_up = time.monotonic() + timeout
        while True:
            if data := self._take():
                return data
            if time.monotonic() >= give_up:
                return b""
            time.sleep(0.0005)

    def _take(self) -> bytes:
        with self._lock:
            while self.firmware.tick(time.monotonic()):
                pass
            sent = b""
            for frame in self._decoder.feed(self.firmware.data_to_send()):
                assert isinstance(frame, Frame)
                for part in self.tamper(frame):
                    sent += part if isinstance(part, bytes) else b"\0" + part.encode()
            return sent

    def write(self, data: bytes) -> int:
        with self._lock:
            self.asked += 1
            self.firmware.receive_bytes(data, time.monotonic())
        return len(data)

    def discard_output(self) -> None: ...

    def close(self) -> None: ...


def changing(message_type: type[Message], change: Callable[[bytes], bytes]) -> Tamper:
    """Return a tamper that changes the payload of every message of a type."""

    def tamper(frame: Frame) -> Iterable[Frame]:
        if (frame.kind, frame.msg) != (message_type.KIND, message_type.ID):
            return [frame]
        payload = change(frame.payload)[:2048]
        return [Frame(frame.kind, frame.msg, frame.seq, frame.sess, payload)]

    return tamper


def at(message_type: type[Message], field: str) -> tuple[int, int]:
    """Return offset and size in bytes of a field with a fixed place."""
    offset = 0
    for one in message_type.FIELDS:
        if one.name == field:
            return offset, one.size
        offset += one.size
    raise AssertionError(field)


def setting(message_type: type[Message], **values: int) -> Tamper:
    """Return a tamper that overwrites fields of every message of a type."""

    def change(payload: bytes) -> bytes:
        raw = bytearray(payload)
        for name, value in values.items():
            offset, size = at(message_type, name)
            raw[offset : offset + size] = value.to_bytes(size, "little")
        return bytes(raw)

    return changing(message_type, change)
