"""Who may come in, and what the browser may do with what it gets.

The page is for this computer's browser. It is bound to 127.0.0.1, and answers only to names of this
computer, so that a foreign name that leads here (DNS rebinding) is refused. On another address
everybody who comes needs the token, once in the URL, from then on in a cookie. The websocket is for
pages of the same origin alone.

The content policy lets scripts come from the server itself, and from nowhere else: there is no
script in the text of a page, and none can be put there. Style sheets may stand in the text: Bokeh
writes its own so, without a nonce, some 1,800 on the page of a training, 106 of them different and
some made of where things lie at the moment, so that no list of hashes holds them (3.9, counted in
Chromium). With `img-src 'self'` they can fetch nothing.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import OutputTransform

__all__ = ["Door", "Headers", "is_loopback"]

_PATHS = re.compile(r"/(|ws|favicon\.ico|static/js/bokeh[a-z-]*\.min\.js|live/live\.(css|js))")
"""Everything that there is to ask for."""


def is_loopback(host: str) -> bool:
    """Return whether only programs of this computer reach an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True)
class Door:
    """What is asked of every request.

    Parameters
    ----------
    host, port
        Where the server listens.
    token
        What whoever comes from another computer must say; '' where nobody can.
    """

    host: str
    port: int
    token: str = field(repr=False, default="")

    @classmethod
    def of(cls, host: str, port: int) -> Door:
        """Return the door of an address, with a new token where one is needed."""
        return cls(host, port, "" if is_loopback(host) else secrets.token_urlsafe(24))

    @property
    def url(self) -> str:
        """What is opened in the browser."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/" + (f"?token={self.token}" if self.token else "")

    @property
    def cookie(self) -> str:
        """Name of the cookie: those of one host are shared by all of its ports."""
        return f"memlab-live-{self.port}"

    def refuses(self, request: HTTPServerRequest) -> int:
        """Return the status with which a request is refused; 0 where it is let in."""
        if not _PATHS.fullmatch(request.path):
            return 404
        if request.method != "GET":
            return 405
        host = request.headers.get("Host", "")
        if not self.token and not self._is_ours(host):
            return 403
        if request.path == "/ws" and not _is_same_origin(request, host):
            return 403
        if self.token and not (self._has_cookie(request) or self.brings_token(request)):
            return 403
        return 0

    def brings_token(self, request: HTTPServerRequest) -> bool:
        """Return whether the token is in the URL of a page, where it is exchanged for a cookie."""
        given = request.query_arguments.get("token", [b""])[-1]
        return bool(self.token) and request.path == "/" and self._is_token(given)

    def _has_cookie(self, request: HTTPServerRequest) -> bool:
        morsel = request.cookies.get(self.cookie)
        return morsel is not None and self._is_token(morsel.value.encode())

    def _is_token(self, given: bytes) -> bool:
        return secrets.compare_digest(given, self.token.encode())

    def _is_ours(self, host: str) -> bool:
        """Return whether the name by which we were asked is one of this computer."""
        try:
            parts = urlsplit(f"//{host}")
            return parts.port != 0 and is_loopback(parts.hostname or "")
        except ValueError:
            return False


def _is_same_origin(request: HTTPServerRequest, host: str) -> bool:
    try:
        return bool(host) and urlsplit(request.headers.get("Origin", "")).netloc == host
    except ValueError:
        return False


class Headers(OutputTransform):
    """Headers of every answer; `framed` lets pages of this computer show ours within them."""

    def __init__(self, request: HTTPServerRequest, *, framed: bool = False) -> None:
        self._frames = "http://127.0.0.1:* http://localhost:*" if framed else "'none'"
        self._host = request.host
        self._is_page = request.path == "/"

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Add what the browser must know."""
        # A host that was let in has no character that ends a header or a directive.
        socket = f" ws://{self._host}" if re.fullmatch(r"[\w.:\[\]-]+", self._host) else ""
        headers["Content-Security-Policy"] = "; ".join(
            (
                "default-src 'self'",
                "script-src 'self'",
                "style-src 'self' 'unsafe-inline'",
                "img-src 'self' data:",
                f"connect-src 'self'{socket}",
                "object-src 'none'",
                "base-uri 'none'",
                "form-action 'none'",
                f"frame-ancestors {self._frames}",
            )
        )
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cache-Control"] = "no-store" if self._is_page else "no-cache"
        headers.pop("Access-Control-Allow-Origin", None)
        headers.pop("Server", None)
        return status_code, headers, chunk
