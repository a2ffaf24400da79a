"""Lines of text between a client and a virtual board's TCP server, before the board's own bytes.

They are no part of MLP/1 or of the ASCII dialect: a board begins with a zero byte or with digits
and letters of its own, never with this word, and a client without a token says none of them.
"""

from __future__ import annotations

__all__ = ["BUSY", "LONGEST_LINE", "TOKEN_WANTED", "WORD", "read_token", "token_line"]

WORD = b"MEMLAB "
BUSY = WORD + b"busy\n"
TOKEN_WANTED = WORD + b"token\n"
LONGEST_LINE = 300
_TOKEN = WORD + b"token="


def token_line(token: str) -> bytes:
    """Return what a client says first."""
    return _TOKEN + token.encode() + b"\n"


def read_token(data: bytes) -> tuple[str, int] | None:
    """Return the token at the start of what a client said, and the length of its line, if any."""
    line, end, _ = data.partition(b"\n")
    if not end or not line.startswith(_TOKEN):
        return None
    return line.removeprefix(_TOKEN).decode("ascii", "replace"), len(line) + 1
