"""Virtual boards for tests: firmware, front end and chip behind a real port, for one block."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Self

from drivers.board import Board
from memlab.errors import DeviceError
from memlab.storage import new_serial
from memlab.virtual_board import BoardEvent, Port, Server, TcpPort, dpe_board, mlp_board

__all__ = ["BoardProcess", "ServedBoard"]

_HERE = Path(__file__).parents[2]
_START = 60.0
"""Seconds in which a process must have printed its URL."""
_END = 20.0
"""Seconds in which a board must have ended after it was told to."""


class ServedBoard:
    """A board behind a port, in a thread of this process, until the block ends.

    It starts at once and its chip can be looked at; it cannot be killed. For that: `BoardProcess`.

    Parameters
    ----------
    board
        Any board of at most 128 x 64 lines; of just these for the published board's dialect.
    where
        "tcp", or "pty" for a pseudo-terminal, where the system has them.
    dialect
        "mlp", or "dpe" for the published board's ASCII lines.
    baud
        Imitate a line of this rate; None for as fast as possible.
    serial
        Serial number; by default one that no other has.
    token
        What clients must say on TCP; empty for nothing.

    Attributes
    ----------
    board
        The board: `truth_of(served.board)` says what its chip is.
    url
        What `memlab.open_array` takes; without a token, and for "dpe" without the chip's name.
    events
        Every pulse and every change of the outputs that truly happened.
    said
        What the server has said in words.
    """

    def __init__(
        self,
        board: Board,
        where: str = "tcp",
        dialect: str = "mlp",
        baud: int | None = None,
        serial: str = "",
        token: str = "",
    ) -> None:
        self.board = board
        self.events: list[BoardEvent] = []
        self.said: list[str] = []
        self.serial = serial or new_serial(board.capabilities.serial)
        if dialect == "mlp":
            self.device: Any = mlp_board(board, record=self.events.append, serial=self.serial)
        else:
            self.device = dpe_board(board, record=self.events.append)
        self.port: Port = _pty() if where == "pty" else TcpPort("127.0.0.1", 0, self.device, token)
        self.url = self.port.url
        self.server = Server(self.device, self.port, baud=baud, notify=self.said.append)
        self._thread = threading.Thread(target=self.server.run, name=f"memlab board {self.url}")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.server.stop()
        self._thread.join(_END)
        if self._thread.is_alive():
            raise DeviceError(f"the virtual board at {self.url} did not end within {_END:g} s")


class BoardProcess:
    """`memlab board serve` in a process of its own, until the block ends; then it is killed.

    Parameters
    ----------
    arguments
        Of the command: for example `"--pty", "--chip", "ideal", "--seed", "7"`.
    log
        Where the true pulses and groundings are written; see `events`.

    Attributes
    ----------
    url
        What `memlab.open_array` takes.
    document
        What the command printed: url, dialect, chip, seed, serial, pid.

    Raises
    ------
    DeviceError
        If the board does not start; says why.
    """

    def __init__(self, *arguments: str, log: Path | None = None) -> None:
        self.log = log
        words = ["--json", *arguments, *(["--log", str(log)] if log is not None else [])]
        self.process = self._start(words)
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], _START)
        line = self.process.stdout.readline() if ready else ""
        if not line:
            self.process.kill()
            _, complaint = self.process.communicate()
            raise DeviceError(f"the virtual board did not start: {complaint}")
        self.document: dict[str, Any] = json.loads(line)
        self.url: str = self.document["url"]

    def _start(self, words: list[str]) -> Any:
        return subprocess.Popen(
            [sys.executable, "-m", "memlab", "board", "serve", *words],
            # The memlab of this process, wherever it was imported from.
            env={**os.environ, "PYTHONPATH": str(_HERE), "OPENBLAS_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def events(self) -> list[dict[str, Any]]:
        """Return the log: `{"event": "pulse", "op", "index", "time", ...}` and `"outputs"`."""
        if self.log is None:
            raise ValueError("this board was started without a log; give it log=FILE")
        # What the board is writing just now has no end of line yet.
        lines = self.log.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def interrupt(self) -> tuple[int, str]:
        """Press Ctrl-C; return exit code and what was said."""
        self.process.send_signal(signal.SIGINT)
        _, said = self.process.communicate(timeout=_END)
        return self.process.returncode, said

    def kill(self) -> None:
        """Kill it without any chance to clean up; again does nothing."""
        self.process.kill()
        self.process.communicate(timeout=_END)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.kill()  # and closes its pipes, also where it has ended


def _pty() -> Port:
    from memlab.virtual_board.pty_port import PtyPort  # POSIX only

    return PtyPort()
