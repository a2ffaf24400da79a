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
from weakref import WeakSet

import numpy as np
from bokeh.application import Application
from bokeh.application.handlers import FunctionHandler
from bokeh.document import Document
from bokeh.server.server import BaseServer
from bokeh.server.tornado import BokehTornado
from bokeh.util.token import get_session_id, get_token_payload
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerRequest
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.web import RequestHandler, StaticFileHandler

from memlab.errors import SettingError
from memlab.live.door import Door, Headers, is_loopback
from memlab.live.watch import end_all

__all__ = ["LiveServer"]

_STATIC = Path(__file__).with_name("static")


_MOST_PAGES, _MOST_UNUSED = 32, 8
"""Pages that are open at once, and those among them whose browsers have not called back yet.

Each is made in some tenths of a second, in which nobody else is answered, and takes megabytes.
"""

_UNUSED = 10_000
"""Milliseconds after which a page is dropped that no browser looks at."""

_WORDS = {
    403: "open the address that memlab live has printed",
    404: "there is no such page",
    503: f"{_MOST_PAGES} pages are open, or {_MOST_UNUSED} are being opened; close one, try again",
}


class _Refused(RequestHandler):
    def initialize(self, status: int) -> None:
        self._refusal = status

    def prepare(self) -> None:
        self.set_status(self._refusal)
        self.set_header("Content-Type", "text/plain")
        if self._refusal == 503:
            self.set_header("Retry-After", str(_UNUSED // 1000))
        self.finish(f"memlab live: {_WORDS.get(self._refusal, 'this is only looked at')}\n")


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
        self._asked: WeakSet[HTTPServerRequest] = WeakSet()
        """Requests of pages that are not made yet."""
        super().__init__(
            {"/": Application(FunctionHandler(make))},
            extra_patterns=[(r"/live/(.*)", StaticFileHandler, {"path": str(_STATIC)})],
            # The door has looked at it already, and knows by which names it may be asked.
            extra_websocket_origins=["*"],
            include_headers=[],
            include_cookies=[],
            check_unused_sessions_milliseconds=_UNUSED // 4,
            unused_session_lifetime_milliseconds=_UNUSED,
            use_index=False,
            redirect_root=False,
            transforms=[partial(Headers, framed=framed)],
            log_function=lambda handler: self._asked.discard(handler.request),
        )

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        """Return what answers a request, once the door has let it in."""
        status = self._door.refuses(request)
        if not status and request.path == "/ws":
            status = self._refuses_socket(request)
        elif not status and request.path == "/" and self._is_full():
            status = 503
        if status:
            return self.get_handler_delegate(request, _Refused, {"status": status})
        if self._door.brings_token(request):
            return self.get_handler_delegate(request, _Enter, {"door": self._door})
        if request.path == "/":
            self._asked.add(request)
        return super().find_handler(request, **kwargs)

    def _is_full(self) -> bool:
        pages = self.get_sessions("/")
        unused = sum(one.connection_count == 0 for one in pages) + len(self._asked)
        return len(pages) + len(self._asked) >= _MOST_PAGES or unused >= _MOST_UNUSED

    def _refuses_socket(self, request: HTTPServerRequest) -> int:
        """Return why a socket is refused; 0 where it is of a page, or of one that was dropped."""
        protocol, _, token = request.headers.get("Sec-WebSocket-Protocol", "").partition(",")
        if not protocol:
            return 0
        try:
            name = get_session_id(token.strip())
            get_token_payload(token.strip())
        except Exception:  # whatever Bokeh finds in what a stranger sends
            return 403
        is_known = any(one.id == name for one in self.get_sessions("/"))
        return 503 if not is_known and self._is_full() else 0


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
