"""How bytes travel to a virtual board: pseudo-terminal or TCP, one client at a time."""

from memlab.emulator.serve.boards import dpe_board, mlp_board, new_serial
from memlab.emulator.serve.ports import Port, PtyPort, TcpPort
from memlab.emulator.serve.server import Device, Server

__all__ = [
    "Device",
    "Port",
    "PtyPort",
    "Server",
    "TcpPort",
    "dpe_board",
    "mlp_board",
    "new_serial",
]
