"""Talk that nobody reads stops nothing."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from memlab.cli import streams


def test_talk_into_a_full_pipe_is_dropped_after_one_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_PATIENCE", 50)
    read, write = os.pipe()
    with os.fdopen(read, "rb") as reader, os.fdopen(write, "w") as writer:
        talk = streams._Talk(writer)
        talk.write("first ")
        begin = time.monotonic()
        for _ in range(200):
            talk.write("x" * 5000)
        assert time.monotonic() - begin < 20.0  # a million characters; a pipe holds 65,536
        os.set_blocking(read, False)
        held = b""
        while chunk := _some(reader.fileno()):
            held += chunk
        assert held.startswith(b"first x")
        talk.write("again")  # there is room now
        assert _some(reader.fileno()) == b"again"


def _some(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 20)
    except BlockingIOError:
        return b""


def test_a_training_ends_although_nobody_reads_its_stderr(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    try:
        while True:
            os.write(write, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(write, True)
    command = [sys.executable, "-m", "memlab", "train", "airline", "--epochs", "1", "--json"]
    try:
        run = subprocess.run(
            [*command, "--out", str(tmp_path / "run.h5")],
            stdout=subprocess.PIPE,
            stderr=write,
            timeout=120,
            check=True,
        )
    finally:
        os.close(write)
        os.close(read)
    assert json.loads(run.stdout)["run"] == str(tmp_path / "run.h5")
