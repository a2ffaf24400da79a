"""A host program that pulses and is killed -9 at a chosen moment, for tests of what is left behind.

PHASE: `entered` (in the chip's passport, not in the driver's ledger), `before-send` (in the ledger,
not on the wire), `after-send` (the first bytes of the operation have left), `mid-pulse` (the board
has reported the job as running), `before-reply` (the board's last report has arrived, nobody has
looked at it), `unconfirmed` (done, and not yet so in the passport), or `hang` (armed, no more).
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from support.started import start

from drivers.link import Link
from drivers.serial_board import SerialBoard
from firmware_protocol.host import HostLink
from firmware_protocol.host_events import HostEvent, Notified
from firmware_protocol.messages import Phase, ProgressEvent
from memlab import open_array
from memlab.array.board_array import BoardArray
from memlab.passport.ledger import PulseLedger

ROWS = 120


@contextmanager
def host(url: str, phase: str) -> Iterator[Any]:
    """Start this program in a process of its own."""
    process = start("support.pulsing_host:main", url, phase)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arrange(phase: str) -> None:
    """Make this process die when the phase is reached."""
    run, flush, receive = Link.run, Link._flush, HostLink.receive_bytes
    started = False

    def run_or_die(self: Link, operation: object) -> object:
        nonlocal started
        if type(operation).__name__ == "Job":
            if phase == "before-send":
                die()
            started = True
        return run(self, operation)

    def flush_and_die(self: Link) -> None:
        flush(self)
        if started and phase == "after-send":
            die()

    def receive_and_die(self: HostLink, data: bytes, now: float) -> list[HostEvent]:
        events = receive(self, data, now)
        for event in events:
            if isinstance(event, Notified) and isinstance(event.message, ProgressEvent):
                done = event.message.phase == Phase.DONE
                if phase == ("before-reply" if done else "mid-pulse"):
                    die()
        return events

    if phase == "entered":
        SerialBoard._send = lambda *_: die()  # type: ignore[method-assign]
    if phase == "unconfirmed":
        PulseLedger.settle = lambda *_: die()  # type: ignore[method-assign]
    Link.run, Link._flush = run_or_die, flush_and_die  # type: ignore[method-assign]
    HostLink.receive_bytes = receive_and_die  # type: ignore[method-assign]


def main(url: str, phase: str) -> None:
    with open_array(url) as array:
        assert isinstance(array, BoardArray)
        assert isinstance(array.board, SerialBoard)
        array[:3].program(1.0)  # an operation that is settled
        if phase == "hang":
            array.vmm(np.zeros(128))
            print("armed", flush=True)
            time.sleep(60)
        arrange(phase)
        array[:ROWS].program(1.2, reset=np.ones((ROWS, 64), bool))
    print("not killed", flush=True)
