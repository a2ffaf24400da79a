"""`memlab live` in a process of its own, and requests to it."""

import http.client
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]


def _start(words: list[str]) -> Any:
    if os.name == "posix":  # half of an interpreter's start is what a fork has by then
        from support.forked_command import Forked, memlab

        return Forked(memlab, words)
    return subprocess.Popen(
        [sys.executable, "-m", "memlab", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )


class Served:
    """`memlab live` in a process of its own."""

    def __init__(self, *arguments: str):
        self.process = _start(["live", *arguments, "--no-browser", "--port", "0"])
        self.url = self.process.stdout.readline().strip()
        found = re.fullmatch(r"http://([\d.]+):(\d+)/(?:\?token=(\S+))?", self.url)
        assert found, (self.url, self.process.communicate()[1])
        self.port, self.token = int(found[2]), found[3] or ""

    def ask(
        self, path: str, headers: dict[str, str] | None = None, method: str = "GET"
    ) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, headers=headers or {})
        response = connection.getresponse()
        response.body = response.read()
        connection.close()
        return response

    def socket_opens(self, origin: str, **headers: str) -> int:
        given = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
            "Origin": origin,
            **headers,
        }
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", "/ws", headers=given)
        status = connection.getresponse().status
        connection.close()
        return status

    def end(self, number: int = signal.SIGINT) -> tuple[int, str]:
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            _, stderr = self.process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        return self.process.returncode, stderr
