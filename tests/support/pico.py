"""The microcontroller of docs/your-own-board.md on a port of this machine, over an emulator."""

from __future__ import annotations

import socket
import threading
from typing import Self

import numpy as np
from support.fake_arc2 import ROW, fire

from drivers.board import BoardConfig, LineClass, Mode, Selection
from drivers.converter import CodeRange
from drivers.published_board import AMPLIFIER, SENSE, SPANS
from memlab.emulator import EmulatedBoard, load_preset


class Pico:
    """Answers one client after another until the block ends."""

    def __init__(self, shape: str = "5x7") -> None:
        self.board = EmulatedBoard(load_preset("ideal").replace(shape=shape), 0)
        everything = {(line, mode): CodeRange(0, 65535) for line in LineClass for mode in Mode}
        self.board.configure(BoardConfig(SPANS, everything, 32768, 32768))
        self.lines: list[str] = []
        self.silent_on = ""
        """Begin of a line that is done and not answered."""
        self.dies = self.dead = False
        """Whether it answers nothing after that, either; and whether it came to that."""
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = f"socket://127.0.0.1:{self._server.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(10.0)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            with client, client.makefile("rw", newline="\n") as stream:
                try:
                    for line in stream:
                        self.lines.append(line.strip())
                        answer = self._answer(*line.split())
                        silent = bool(self.silent_on) and line.startswith(self.silent_on)
                        self.dead |= silent and self.dies
                        if not (silent or self.dead):
                            stream.write(f"{answer}\n")
                            stream.flush()
                except OSError:
                    pass

    def _answer(self, word: str, *words: str) -> str:
        able = self.board.capabilities
        if word == "ID":
            return f"OK pico {able.rows} {able.columns} 1.0"
        if word == "ZERO":
            return "OK"
        numbers = [np.array([int(one) for one in text.split(",")]) for text in words]
        if word == "VMM":
            rows, millivolts, columns = numbers
            samples = self.board.vmm(
                Selection(rows, columns), ROW.encode(millivolts[np.newaxis] * 1e-3)
            )
            resistance = np.array(AMPLIFIER.resistance)[samples.gain[0] - 1]
            nanoamperes = np.rint(-SENSE.decode(samples.code[0]) / resistance / 1e-9)
            return "OK " + ",".join(str(int(one)) for one in nanoamperes)
        if word not in ("SET", "RESET"):
            return f"ERROR {word}"
        (row,), columns, (millivolts,), (ticks,) = numbers
        is_set = word == "SET"
        volts = millivolts * 1e-3 if is_set else -millivolts * 1e-3
        fire(self.board, int(row), columns, volts, ticks * 1e-7, 1.6 if is_set else 5.0)
        return "OK"
