"""A bad cable between two sockets, where a host of somebody else's has to live with it."""

import select
import socket
import threading
import time
from types import TracebackType
from typing import Self

from drivers.faults.line import FaultyLine


class FaultProxy:
    """A TCP port that passes everything on to another one over two faulty lines.

    Parameters
    ----------
    target
        Host and port behind it.
    up, down
        The lines to and from the target; they go on over reconnections.
    """

    def __init__(self, target: tuple[str, int], up: FaultyLine, down: FaultyLine) -> None:
        self._target, self._lines = target, (up, down)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        self._ending = False
        self._thread = threading.Thread(target=self._run)

    @property
    def url(self) -> str:
        """What to open instead of the target."""
        host, port = self.address
        return f"socket://{host}:{port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ending = True
        self._thread.join(10)
        self._listener.close()

    def _run(self) -> None:
        while not self._ending:
            if select.select([self._listener], [], [], 0.05)[0]:
                near, _ = self._listener.accept()
                with near, socket.create_connection(self._target, timeout=5) as far:
                    self._pump(near, far)

    def _pump(self, near: socket.socket, far: socket.socket) -> None:
        routes = [(near, far, self._lines[0].reopen()), (far, near, self._lines[1].reopen())]
        while not self._ending:
            ready = select.select([near, far], [], [], 0.002)[0]
            now = time.monotonic()
            for source, sink, line in routes:
                if source in ready:
                    try:
                        data = source.recv(65536)
                    except OSError:
                        data = b""
                    if not data:
                        return
                    line.feed(data, now)
                try:
                    sink.sendall(line.take(now))
                except OSError:
                    return
