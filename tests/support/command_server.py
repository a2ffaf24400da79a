"""Many commands of `memlab` in one process of their own: one that hangs or crashes fails alone.

Run as a program, it answers each request, a line of JSON `{"directory", "arguments"}`, with a line
`{"code", "out", "err", "seconds"}`: what the command left, and its processor time with that of the
processes that it started.
"""

import contextlib
import io
import json
import os
import select
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

REPOSITORY = Path(__file__).parents[2]
UNRENDERED = "unrendered"


@dataclass(frozen=True)
class Answer:
    """What a command left; its code is None where it did not end, or its process died."""

    code: int | None
    out: str
    err: str
    seconds: float


class CommandServer:
    """Runs commands, each until it ends or `deadline` (s) is over.

    Their pictures are drawn, but rendered only if they are `rendered`.
    """

    def __init__(self, state: Path, deadline: float, *, rendered: bool = False) -> None:
        self._words = [] if rendered else [UNRENDERED]
        self._environment = {
            **os.environ,
            "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{REPOSITORY / 'tests'}",
            "MEMLAB_STATE": str(state),
            "MPLBACKEND": "agg",
        }
        self._deadline = deadline
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, directory: Path, *arguments: str) -> Answer:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, *self._words],
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            self._read(120.0)  # it has started
        process = self._process
        assert process.stdin is not None
        request = json.dumps({"directory": str(directory), "arguments": arguments})
        process.stdin.write(request.encode() + b"\n")
        process.stdin.flush()
        line = self._read(self._deadline)
        if not line:
            self.close()
            died = process.returncode not in (0, -9)
            how = f"died with {process.returncode}" if died else f"took {self._deadline} s"
            return Answer(None, "", f"the command {how}", self._deadline)
        return Answer(**json.loads(line))

    def _read(self, seconds: float) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], seconds)
        return self._process.stdout.readline() if ready else b""

    def close(self) -> None:
        if self._process is not None:
            with contextlib.suppress(OSError):
                self._process.kill()
            with self._process:
                pass
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _serve() -> None:
    from memlab.cli import main
    from memlab.figures import style

    if UNRENDERED in sys.argv:
        from support.blank_pictures import write_beginning

        style.save_figure = write_beginning
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        os.chdir(request["directory"])
        sys.argv = ["memlab", *request["arguments"]]
        said = [io.TextIOWrapper(io.BytesIO(), "utf-8", "surrogateescape") for _ in range(2)]
        before, code = os.times(), -1
        with contextlib.redirect_stdout(said[0]), contextlib.redirect_stderr(said[1]):
            try:
                main()
            except SystemExit as end:
                code = int(end.code or 0)
            except BaseException as error:
                print(f"Traceback: {error!r}", file=sys.stderr)
        used = sum(os.times()[:4]) - sum(before[:4])
        texts = []
        for stream in said:
            stream.flush()
            texts.append(stream.buffer.getvalue().decode("utf-8", "replace"))
        answer = {"code": code, "out": texts[0], "err": texts[1], "seconds": used}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    _serve()
