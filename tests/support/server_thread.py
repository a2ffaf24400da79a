"""A virtual board in a thread: quicker than a process, for tests that need no signals."""

import threading
from types import TracebackType
from typing import Self

from drivers.board import Board
from memlab.virtual_board import BoardEvent, Port, Server, TcpPort, dpe_board, mlp_board, new_serial
from memlab.virtual_board.pty_port import PtyPort


class ServerThread:
    """Serves a board until the block ends.

    Parameters
    ----------
    board
        Any board.
    where
        "pty" or "tcp".
    dialect, baud, serial
        As for `memlab board serve`.
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
        self.events: list[BoardEvent] = []
        self.said: list[str] = []
        self.serial = serial or new_serial(board)
        """Of the board, or a name for the chip where the dialect has no serial number."""
        if dialect == "mlp":
            device = mlp_board(board, record=self.events.append, serial=self.serial)
        else:
            device = dpe_board(board, record=self.events.append)
        self.device = device
        self.port: Port = PtyPort() if where == "pty" else TcpPort("127.0.0.1", 0, device, token)
        self.url = self.port.url
        self.server = Server(device, self.port, baud=baud, notify=self.said.append)
        self._thread = threading.Thread(target=self.server.run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.server.stop()
        self._thread.join(10)
        assert not self._thread.is_alive()
