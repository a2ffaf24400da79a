"""The board's end of the wire, over any `drivers.board.Board`: firmware, ports and pace.

`BoardExecutor` carries out the requests of MLP/1, `DpeFirmware` those of the published ASCII
dialect; both pass codes to the same `Board` calls as a program in the same process would, so the
emulator gives the same codes over a wire. `Server` lets the bytes travel, by `pty_port` or TCP, for
one client at a time.
"""

from memlab.virtual_board.board_executor import BoardExecutor
from memlab.virtual_board.boards import dpe_board, mlp_board
from memlab.virtual_board.dpe_firmware import DpeFirmware
from memlab.virtual_board.events import BoardEvent, Fired, OutputsChanged, json_lines
from memlab.virtual_board.hard_limits import HARD_LIMITS
from memlab.virtual_board.keeping import Keeper
from memlab.virtual_board.ports import Port
from memlab.virtual_board.server import Device, Server
from memlab.virtual_board.tcp_port import TcpPort

__all__ = [
    "HARD_LIMITS",
    "BoardEvent",
    "BoardExecutor",
    "Device",
    "DpeFirmware",
    "Fired",
    "Keeper",
    "OutputsChanged",
    "Port",
    "Server",
    "TcpPort",
    "dpe_board",
    "json_lines",
    "mlp_board",
]
