"""The root of every error that memlab raises, and the errors of the wire.

The tree lives in three files because packages import one way; `memlab.errors` gathers it:

    MemlabError
     ├─ ProtocolError            the peer, or we, broke the rules of the wire
     │   ├─ LocalProtocolError   we asked for something that the wire cannot or may not carry
     │   ├─ RemoteProtocolError  the peer sent something that breaks the rules; has `code`
     │   └─ RefusedError         the board understood a request and refused it; has `code`, `detail`
     ├─ HardwareFaultError       below a board's firmware: the hardware failed; has `code`
     ├─ TransportError           a port could not be opened, or the line died      (drivers.errors)
     ├─ DeviceError              the board answered, and the answer is a failure   (drivers.errors)
     ├─ LimitError               a safety limit refused; nothing was sent          (drivers.errors)
     └─ DataError                a file, a data set or a setting is wrong          (memlab.errors)
"""

__all__ = [
    "HardwareFaultError",
    "LocalProtocolError",
    "MemlabError",
    "ProtocolError",
    "RefusedError",
    "RemoteProtocolError",
]


class MemlabError(Exception):
    """Root of all errors that memlab raises on purpose."""


class ProtocolError(MemlabError):
    """The wire carried something that its rules do not allow."""


class HardwareFaultError(MemlabError):
    """The hardware failed while it worked; an `Executor` raises it, and the firmware latches it.

    Parameters
    ----------
    code
        `ErrorCode` of the fault: SUPPLY, ADC_TIMEOUT, SPI_ECHO.
    message
        What failed, for people.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class LocalProtocolError(ProtocolError):
    """We asked for something that the wire cannot carry or does not allow now; nothing was sent."""


class RemoteProtocolError(ProtocolError):
    """The peer sent something that breaks the rules.

    Parameters
    ----------
    message
        What arrived and what was expected.
    code
        Matching `ErrorCode` of the wire, for the answer to the peer.
    """

    def __init__(self, message: str, code: int = 18) -> None:
        super().__init__(message)
        self.code = code


class RefusedError(ProtocolError):
    """The board understood a request and refused it: raised there, sent over, raised here again.

    Parameters
    ----------
    code
        `ErrorCode` of the refusal.
    detail
        Field, channel, row or state that it concerns.
    message
        What was asked, for people; the wire carries only the numbers.
    """

    def __init__(self, code: int, detail: int = 0, message: str = "") -> None:
        super().__init__(message or f"refused with code {code}, detail {detail}")
        self.code = code
        self.detail = detail
