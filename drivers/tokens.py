"""Tokens of virtual boards on a network: kept by this process, and written nowhere.

A URL may carry one (`socket://host:port?token=...`). URLs end up in run files, documents, errors
and logs; so the token is taken out where a URL comes in, and looked up where the port is opened.
"""

from __future__ import annotations

import os

__all__ = ["TOKEN_VARIABLE", "take_token", "token_for"]

TOKEN_VARIABLE = "MEMLAB_BOARD_TOKEN"
"""Environment variable with the token of boards whose URL has none: for resumed runs, scripts."""

_tokens: dict[str, str] = {}


def take_token(url: str) -> str:
    """Return a URL without its token, which is remembered for the same place."""
    address, mark, query = url.partition("?")
    pairs = query.split("&")
    rest = [pair for pair in pairs if not pair.startswith("token=")]
    if not mark or len(rest) == len(pairs) or "socket://" not in address:
        return url
    given = next(pair for pair in reversed(pairs) if pair.startswith("token="))
    _tokens[_place(address)] = given.removeprefix("token=")
    return address + ("?" + "&".join(rest) if rest else "")


def token_for(place: str) -> str:
    """Return the token of `host:port`; empty when none is known."""
    return _tokens.get(place) or os.environ.get(TOKEN_VARIABLE, "")


def _place(address: str) -> str:
    return address.partition("://")[2].rstrip("/")
