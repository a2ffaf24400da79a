"""How bytes travel to a virtual board: by `pty_port` or TCP, one client at a time."""

from memlab.emulator.serve.boards import dpe_board, mlp_board, new_serial
from memlab.emulator.serve.ports import Port
from memlab.emulator.serve.server import Device, Server
from memlab.emulator.serve.tcp_port import TcpPort

__all__ = ["Device", "Port", "Server", "TcpPort", "dpe_board", "mlp_board", "new_serial"]
