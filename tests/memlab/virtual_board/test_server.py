"""How a `Server` ends: whoever stops it, and whenever."""

import signal
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from drivers import stopping
from memlab.virtual_board import Server


class Firmware:
    """A device without a wire, due at once or never; `work` is what a tick does."""

    def __init__(self, due: float | None, work: Callable[[], bool] = lambda: True) -> None:
        self.due, self.work = due, work
        self.grounded = False

    def receive_bytes(self, data: bytes, now: float) -> None: ...

    def tick(self, now: float) -> bool:
        return self.work()

    def data_to_send(self) -> bytes:
        return b""

    def next_timeout(self) -> float | None:
        return self.due

    def host_gone(self) -> None:
        self.grounded = True


class NoClient:
    """A port to which nobody connects."""

    url = "nowhere:"

    def __init__(self) -> None:
        self.closed = False

    def readable(self) -> list[int]:
        return []

    def writable(self) -> list[int]:
        return []

    def waiting(self) -> bool:
        return False

    def read(self, limit: int) -> bytes:
        return b""

    def write(self, data: memoryview) -> int:
        return len(data)

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("due", [None, 0.0], ids=["waiting", "working"])
def test_stop_ends_a_server_that_waits_for_ever_and_one_that_works(due: float | None) -> None:
    firmware, port = Firmware(due), NoClient()
    server = Server(firmware, port)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    server.stop()
    thread.join(10)
    assert not thread.is_alive()
    assert firmware.grounded
    assert port.closed


def test_a_server_may_be_stopped_after_it_has_ended_by_itself() -> None:
    def fail() -> bool:
        raise RuntimeError("the driver stage is on fire")

    firmware, port = Firmware(0.0, fail), NoClient()
    server = Server(firmware, port)
    with pytest.raises(RuntimeError, match="on fire"):
        server.run()
    assert firmware.grounded
    assert port.closed
    server.stop()


def test_a_signal_that_comes_where_exceptions_are_dropped_ends_a_server_that_waits() -> None:
    # NumPy drops what is raised while it asks an enum whether it is an array.
    def work() -> bool:
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        firmware.due = None
        return False

    firmware, port = Firmware(0.0, work), NoClient()
    server = Server(firmware, port)
    too_late = threading.Timer(20.0, server.stop)
    too_late.start()
    with stopping.heard(), pytest.raises(KeyboardInterrupt):
        stopping.stopped_at_once(server.run)
    too_late.cancel()
    assert firmware.grounded
    assert port.closed
