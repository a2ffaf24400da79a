"""A pseudo-terminal that looks like a serial port: POSIX only, imported where it is asked for."""

from __future__ import annotations

import contextlib
import errno
import os
import termios
import tty
from pathlib import Path

from memlab.errors import SettingError
from memlab.virtual_board.ports import CHUNK

__all__ = ["PtyPort"]


class PtyPort:
    """The board's side of a pseudo-terminal.

    The terminal is raw before its name is known to anyone: a cooked one would echo and eat control
    bytes. Linux reports EIO on this side when the last client has closed the other, and would go on
    doing so without a pause; so this side holds the other one open itself from then until the next
    client has sent its first byte.

    Parameters
    ----------
    link
        Symbolic link to make to the terminal, so that its name stays the same over restarts.
    """

    def __init__(self, link: Path | None = None) -> None:
        self._master, own_end = os.openpty()
        self._own_end: int | None = own_end
        self._name = os.ttyname(own_end)
        tty.setraw(own_end)
        os.set_blocking(self._master, False)
        self._link = link.absolute() if link is not None else None
        if self._link is not None:
            try:
                _replace_link(self._link, self._name)
            except BaseException:
                self._link = None
                self.close()
                raise

    @property
    def url(self) -> str:
        """`serial://` and the path of the terminal, or of the link to it."""
        return f"serial://{self._link or self._name}"

    def readable(self) -> list[int]:
        """Return this side of the terminal."""
        return [self._master]

    def writable(self) -> list[int]:
        """Return this side of the terminal."""
        return [self._master]

    def waiting(self) -> bool:
        """Return False: the terminal says by its descriptor what there is."""
        return False

    def read(self, limit: int) -> bytes | None:
        """Return what has arrived; None when the last client has closed the terminal."""
        try:
            data = os.read(self._master, min(limit, CHUNK))
        except BlockingIOError:
            return b""
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            self._hold()
            return None
        if self._own_end is not None:  # from now on, only clients hold it open
            os.close(self._own_end)
            self._own_end = None
        return data

    def write(self, data: bytes | memoryview) -> int:
        """Pass on what the terminal takes now."""
        try:
            return os.write(self._master, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return len(data)

    def close(self) -> None:
        """Close the terminal and remove the link."""
        for end in (self._own_end, self._master):
            if end is not None and end >= 0:
                os.close(end)
        self._own_end, self._master = None, -1
        if self._link is not None:
            with contextlib.suppress(OSError):
                if os.readlink(self._link) == self._name:
                    self._link.unlink()
            self._link = None

    def _hold(self) -> None:
        self._own_end = os.open(self._name, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._own_end)
        termios.tcflush(self._own_end, termios.TCIOFLUSH)  # what the dead client left


def _replace_link(link: Path, target: str) -> None:
    """Point a symbolic link at the terminal; one left by a server that was killed is replaced."""
    if link.exists() and not link.is_symlink():
        raise SettingError(f"{link} exists and is not a symbolic link; choose another --link")
    temporary = link.with_name(f".{link.name}.{os.getpid()}")
    try:
        temporary.symlink_to(target)
        temporary.replace(link)
    except OSError as error:
        raise SettingError(f"cannot make the link {link}: {error.strerror}") from error
