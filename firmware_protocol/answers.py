"""What a board says of itself, checked before anything is believed, allocated or asked again.

A board may be another one than was meant, an older or a broken one. The codec has checked the range
of each field by the specification; here is what no single field shows, and the questions whose
answer comes in parts: each part must lie strictly above the one before, so that a board which
repeats itself is told so, and not asked for ever.

`ask` sends one request and returns its response.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_protocol import messages as m
from firmware_protocol.codec import Message
from firmware_protocol.errors import RemoteProtocolError

__all__ = ["SHORTEST_PAYLOAD", "check_hello", "check_info", "read_dictionary", "read_journal"]

Ask = Callable[[Message], Any]

SHORTEST_PAYLOAD = 8 + 2 * m.ROWS
"""Payload that holds one vector of all rows: with less, a session is of no use."""


def check_hello(hello: m.HelloResponse, wanted_payload: int) -> None:
    """Raise `RemoteProtocolError` for a session that cannot carry what every host sends."""
    if not SHORTEST_PAYLOAD <= hello.max_payload <= wanted_payload:
        raise _broken(
            f"HELLO offers frames of {hello.max_payload} B; {SHORTEST_PAYLOAD} to {wanted_payload} "
            "are allowed"
        )


def check_info(info: m.GetInfoResponse) -> None:
    """Raise `RemoteProtocolError` where the parts of GET_INFO contradict each other."""
    gains = info.transimpedance[: info.gain_count].astype(np.int64)
    if gains[0] < 1 or (np.diff(gains) <= 0).any():
        raise _broken(f"GET_INFO: transimpedances {gains.tolist()} V/A do not rise from 1")
    bounds = info.hard_limits.reshape(-1, 2)
    if (bounds[:, 0] > bounds[:, 1]).any():
        raise _broken("GET_INFO: a hard limit is lower than its minimum")
    for name in ("name", "serial", "firmware"):
        text: str = getattr(info, name)
        if not text.isascii() or not text.isprintable():
            raise _broken(f"GET_INFO: {name} {text!r} is not printable text")
    if not info.serial.strip():
        raise _broken("GET_INFO: the board has no serial number")


def read_dictionary(ask: Ask) -> dict[int, int]:
    """Ask for all messages that a board knows; return their hashes by id."""
    hashes: dict[int, int] = {}
    first = 0
    while first <= 0xFF:
        ids = _rising(answer := ask(m.GetDict(first=first)).entries, "id", first, "GET_DICT")
        if not ids.size:
            break
        hashes |= zip(ids.tolist(), answer["hash"].tolist(), strict=True)
        first = int(ids[-1]) + 1
    return hashes


def read_journal(ask: Ask, from_op: int) -> tuple[int, npt.NDArray[np.void]]:
    """Ask for all records from an operation on; return lost_op and the records, rising."""
    records: list[npt.NDArray[np.void]] = []
    first = from_op
    while first <= 0xFFFFFFFF:
        answer = ask(m.ReadJournal(from_op=first))
        ops = _rising(answer.records, "op", first, "READ_JOURNAL")
        if not ops.size:
            break
        records.append(answer.records)
        if sum(map(len, records)) > m.JOURNAL_RECORDS:
            raise _broken(f"READ_JOURNAL: more than {m.JOURNAL_RECORDS} records")
        first = int(ops[-1]) + 1
    journal = np.concatenate(records) if records else np.empty(0, m.JOURNAL_RECORD)
    return int(answer.lost_op), journal


def _rising(
    entries: npt.NDArray[np.void], name: str, first: int, question: str
) -> npt.NDArray[np.int64]:
    """Return a field of entries that must rise strictly, from `first` on."""
    values = entries[name].astype(np.int64)
    if values.size and (values[0] < first or (np.diff(values) <= 0).any()):
        raise _broken(f"{question}: {name} must rise from {first}, got {values.tolist()[:4]}")
    return values


def _broken(text: str) -> RemoteProtocolError:
    return RemoteProtocolError(
        f"{text}. This is no board of this protocol, or a broken one; nothing it said was used",
        m.ErrorCode.FORMAT,
    )
