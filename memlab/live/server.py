"""The server of the page: Bokeh's, behind the door; it listens first, and then says where."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from bokeh.application import Application
from bokeh.application.handlers import FunctionHandler
from bokeh.document import Document
from bokeh.server.server import BaseServer
from bokeh.server.tornado import BokehTornado
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerRequest
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.web import RequestHandler, StaticFileHandler

from memlab.errors import SettingError
from memlab.live.door import Door, Headers, is_loopback
from memlab.live.watch import end_all

__all__ = ["LiveServer"]

_STATIC = Path(__file__).with_name("static")


class _Refused(RequestHandler):
    def initialize(self, status: int) -> None:
        self._refusal = status

    def prepare(self) -> None:
        self.set_status(self._refusal)
        self.set_header("Content-Type", "text/plain")
        words = {403: "open the address that memlab live has printed", 404: "there is no such page"}
        self.finish(f"memlab live: {words.get(self._refusal, 'this is only looked at')}\n")


class _Enter(RequestHandler):
    """Exchanges the token of a URL for a cookie, so that it stands in no history."""

    def initialize(self, door: Door) -> None:
        self._door = door

    def get(self) -> None:
        door = self._door
        self.set_cookie(door.cookie, door.token, httponly=True, samesite="Strict", path="/")
        self.redirect("/", status=303)


class _App(BokehTornado):
    def __init__(self, door: Door, make: Callable[[Document], None], *, framed: bool):
        self._door = door
        super().__init__(
            {"/": Application(FunctionHandler(make))},
            extra_patterns=[(r"/live/(.*)", StaticFileHandler, {"path": str(_STATIC)})],
            # The door has looked at it already, and knows by which names it may be asked.
            extra_websocket_origins=["*"],
            include_headers=[],
            include_cookies=[],
            use_index=False,
            redirect_root=False,
            transforms=[partial(Headers, framed=framed)],
            log_function=lambda _: None,
        )

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        """Return what answers a request, once the door has let it in."""
        if status := self._door.refuses(request):
            return self.get_handler_delegate(request, _Refused, {"status": status})
        if self._door.brings_token(request):
            return self.get_handler_delegate(request, _Enter, {"door": self._door})
        return super().find_handler(request, **kwargs)


_SIGNALS = signal.SIGINT, signal.SIGTERM


class LiveServer:
    """A server that listens; `run` serves until a signal comes.

    Parameters
    ----------
    make
        Fills the document of each browser.
    host, port
        Where to listen; port 0 is one that is free.
    framed
        Whether it is the page of a notebook, which shows it in a frame: it ends with the notebook.

    Raises
    ------
    SettingError
        If it cannot listen there.
    """

    def __init__(
        self, make: Callable[[Document], None], host: str, port: int, *, framed: bool = False
    ):
        # Bokeh tells of every connection, and warns of an origin that is not named.
        logging.getLogger("bokeh").setLevel(logging.ERROR)
        logging.getLogger("tornado.access").setLevel(logging.CRITICAL)
        listening = _listen(host, port)
        self.door = Door.of(host, listening.getsockname()[1])
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        app = _App(self.door, make, framed=framed)
        http = HTTPServer(app)
        self.io_loop = IOLoop.current()
        self._server = BaseServer(self.io_loop, app, http)
        http.add_sockets([listening])
        self._server.start()
        if framed:
            self._end_with(os.getppid())

    def _end_with(self, parent: int) -> None:
        """End when the program that has started this one is gone."""

        def look() -> None:
            if os.getppid() != parent:
                self.io_loop.stop()

        PeriodicCallback(look, 2000.0).start()

    def run(self) -> None:
        """Serve, until a signal comes or something is raised."""
        # What a signal raises within HDF5 or NumPy may be dropped; the loop hears of it by a pipe.
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        try:
            for number in before:
                self._loop.add_signal_handler(number, self.io_loop.stop)
        except (NotImplementedError, RuntimeError, ValueError):
            before = {}  # Windows, or no main thread: there it is raised
        try:
            with np.errstate(all="ignore"):  # a file may hold numbers that no plot can
                self.io_loop.start()
        finally:
            for number, handler in before.items():
                self._loop.remove_signal_handler(number)
                signal.signal(number, handler)

    def close(self) -> None:
        """Let go of the port, and look at nothing any more."""
        self._server.stop(wait=False)
        end_all()
        self._loop.run_until_complete(asyncio.sleep(0))
        asyncio.set_event_loop(None)
        self._loop.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise SettingError(
                f"port {port} of {host} is in use; name another one (--port N), or --port 0 for "
                "one that is free"
            ) from error
        hint = "; ports below 1024 are the system's" if error.errno == errno.EACCES else ""
        if not is_loopback(host):
            hint = "; --host is an address of this computer"
        raise SettingError(
            f"cannot listen on {host}, port {port}: {error.strerror}{hint}"
        ) from error
    listening.setblocking(False)
    return listening
