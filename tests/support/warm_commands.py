"""`memlab` and `python` for a shell script, forked from a process that has memlab imported.

A script that calls memlab ten times would otherwise import it ten times, which takes longer than
what it does. Run as a program, this is that process:

    python warm_commands.py SOCKET [unrendered] [MODULE ...]
"""

import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

REPOSITORY = Path(__file__).parents[2]
PATHS = f"{REPOSITORY}{os.pathsep}{REPOSITORY / 'tests'}"
UNRENDERED = "unrendered"
CLIENT = """#!{python} -IS
import json, os, socket, sys
if {name!r} == "python" and sys.argv[1:2] in ([], ["-"], ["-m"]):
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
words = [{name!r}, *sys.argv[1:]]
request = {{"words": words, "directory": os.getcwd(), "environment": dict(os.environ)}}
with socket.socket(socket.AF_UNIX) as server:
    server.connect({path!r})
    text = json.dumps(request).encode()
    socket.send_fds(server, [len(text).to_bytes(4)], [0, 1, 2])
    server.sendall(text)
    code = server.recv(8)
sys.exit(int(code or 1))
"""


class WarmCommands:
    """A directory `bin` with the two, as long as the `with` block runs.

    Parameters
    ----------
    directory
        Where they are made; its path must be short enough for that of a socket.
    modules
        What else it has imported.
    rendered
        Whether pictures are rendered; else they are drawn, and only files begun.
    """

    def __init__(
        self, directory: Path, modules: Sequence[str] = (), *, rendered: bool = False
    ) -> None:
        self.bin = directory
        self._socket = directory / "socket"
        for name in ("memlab", "python"):
            text = CLIENT.format(python=sys.executable, name=name, path=str(self._socket))
            (directory / name).write_text(text)
            (directory / name).chmod(0o755)
        words = [] if rendered else [UNRENDERED]
        self._server = subprocess.Popen(
            [sys.executable, __file__, str(self._socket), *words, *modules],
            env={**os.environ, "PYTHONPATH": PATHS, "OPENBLAS_NUM_THREADS": "1"},
        )
        while not self._socket.exists():
            if self._server.poll() is not None:
                raise RuntimeError("the process that has memlab imported did not start")
            time.sleep(0.02)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.kill()
        self._server.wait()


def _serve(path: str, words: list[str]) -> None:
    modules = [word for word in words if word != UNRENDERED]
    for name in (
        "h5py",
        "matplotlib.pyplot",
        "memlab.cli.commands",
        "memlab.experiments",
        *modules,
    ):
        __import__(name)
    if UNRENDERED in words:
        from support.blank_pictures import write_beginning

        from memlab.figures import style

        style.save_figure = write_beginning
    gc.freeze()  # a collection in a fork would copy each page with an object in it
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path + ".new")
        server.listen()
        os.rename(path + ".new", path)
        while True:
            client, _ = server.accept()
            if os.fork() == 0:
                server.close()
                _be(client)
            client.close()


def _be(client: socket.socket) -> None:
    """Be the command that a client asks for, and tell it the exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, files, _, _ = socket.recv_fds(client, 4, 3)
    text = b""
    while len(text) < int.from_bytes(size):
        text += client.recv(65536)
    request = json.loads(text)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.chdir(request["directory"])
    os.environ.clear()
    os.environ.update(request["environment"])
    name, *words = request["words"]
    code: object = 0
    try:
        if name == "memlab":
            sys.argv = ["memlab", *words]
            runpy.run_module("memlab", run_name="__main__", alter_sys=True)
        elif words[0] == "-c":
            sys.argv = ["-c", *words[2:]]
            exec(compile(words[1], "<string>", "exec"), {"__name__": "__main__"})
        else:
            sys.argv = words
            runpy.run_path(words[0], run_name="__main__")
    except SystemExit as end:
        code = end.code
        if isinstance(code, str):
            print(code, file=sys.stderr)
            code = 1
    except BaseException:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        code = 1
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    client.sendall(str(code or 0).encode())
    os._exit(0)


if __name__ == "__main__":
    _serve(sys.argv[1], sys.argv[2:])
