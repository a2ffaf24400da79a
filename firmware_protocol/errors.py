"""The root of every error that memlab raises, and the errors of the wire.

The tree lives in three files because packages import one way; `memlab.errors` gathers it:

    MemlabError
     ├─ ProtocolError            the peer, or we, broke the rules of the wire
     ├─ TransportError           a port could not be opened, or the line died      (drivers.errors)
     ├─ DeviceError              the board answered, and the answer is a failure   (drivers.errors)
     ├─ LimitError               a safety limit refused; nothing was sent          (drivers.errors)
     └─ DataError                a file, a data set or a setting is wrong          (memlab.errors)
"""

__all__ = ["MemlabError", "ProtocolError"]


class MemlabError(Exception):
    """Root of all errors that memlab raises on purpose."""


class ProtocolError(MemlabError):
    """The wire carried something that its rules do not allow."""
