"""Errors of ports, boards and limits (the whole tree: `firmware_protocol.errors`)."""

from firmware_protocol.errors import MemlabError

__all__ = ["DeviceError", "LimitError", "TransportError"]


class TransportError(MemlabError):
    """A port could not be opened, or the line to the board died."""


class DeviceError(MemlabError):
    """The board answered, and the answer is a failure."""


class LimitError(MemlabError, ValueError):
    """A safety limit refused the request; nothing was sent to the device.

    Also a `ValueError`: what was refused is an argument of the caller.
    """
