"""Writes spec/protocol_reference.md: every message with its bytes, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from firmware_protocol.codec import SCALARS, Field
from firmware_protocol.generator.spec import MessageSpec, Spec

_HEAD = """\
# MLP/{major}.{minor}: reference

Generated from `mlp.toml` by `python -m firmware_protocol.generate`; do not edit.

Spec hash `0x{hash:016X}`. Frame: `00` · COBS( `vk` u8, `msg` u8, `seq` u16, `sess` u16, `len`
u16, payload, CRC-32 u32 ) · `00`, all little-endian; `vk` holds the wire major in its high and
the kind in its low nibble. The CRC-32 (IEEE) covers header and payload.

A client can be written from this page alone; `tests/firmware_protocol/test_strangers_client.py`
is one that reads it.

## Frames

- COBS: the body is cut at its zero bytes; each piece of up to 254 bytes is preceded by its length
  plus one, 255 standing for 254 bytes without a zero behind them. No zero byte is left, so that
  after any damage the next zero is a place to start again.
- `len` is the length of the payload. Longest payload: {max_payload} B, or what HELLO agreed on.
- A zero goes first after idle, at connect, before a repetition and before ESTOP. Empty frames are
  legal and ignored.
- Fields are packed without gaps. A payload may be longer than its fields (later minor versions);
  shorter is LEN. A tail (`[]`, last) fills the rest with whole elements. Text is ASCII, padded
  with zeros.
- `sess` is 0 in HELLO and ESTOP, else what HELLO's answer gave. `seq` counts requests (REQ) from 0
  in each session; LINK frames have 0; DOWN and UP count their own frames, for diagnosis only.

## Sessions

- The host speaks first: HELLO with a fresh random nonce and sess 0, three times in a second at
  most. The same nonce gets the same answer; a new one opens a new session: the lines are grounded,
  what ran is aborted, the configuration is gone, seq starts at 0.
- While another session is alive (heard within 2 s), HELLO is answered by NAK BUSY, detail its
  sess. TAKEOVER ends that session.
- Equal `spec_hash`: go. Unequal with equal major: GET_DICT lists the hash of each message; do not
  use those that differ, nor the board at all if one of class O does.
- PING at least every 250 ms of silence feeds the watchdog of ARM. RENEW feeds the lease: send it
  only while the program itself makes progress.
- A connection that closes, a DTR line that drops, or a watchdog that runs out grounds the lines. If
  the board was ARMED or busy it latches FAULT HOST_LOST (LEASE where the lease ran out). The next
  session finds `state` FAULT and `fault` in HELLO's answer; every configuring or driving request
  is refused with FAULT_LATCHED until CLEAR_FAULT has named that fault, and the board must be
  configured again. BYE first, and nothing is latched.
- ESTOP is obeyed from anybody, with any sess, at any time: send `00` + frame three times.

## Requests

- A request is answered by an RSP with the same `msg` and `seq`, whose payload starts with
  `status` and `detail`; an answer other than OK may hold nothing else. Bit 15 of `status` marks
  an answer repeated from the replay cache ({replay_cache} entries). At most {request_window}
  requests, and `rx_credit` bytes of them, are open.
- No answer in time: send the same frame again, seq included. It is executed once, however often
  it comes.
- LINK frames stand outside the sequence (seq 0). HELLO, PING and BYE are answered by an RSP
  with seq 0; they never wait behind a request.
- The board sends NAK once per burst of errors; the host sends none, its timers and GO_BACK
  repair what it missed. Bad frames are counted, never interpreted.
- `min` and `max` of an answer's fields hold when its status is OK. An error code, state or phase
  that this page does not name is one of a later minor version.

A request is checked in this order; the first check that fails is the answer:

{checks}

## Streams

- READ_DATA and VMM_RESULT come from the board, VMM_DATA and JOB_DATA go to it. Items are numbered
  from 0 within the operation: selected rows in rising order, vectors, job entries.
- The receiver takes the item it expects: what lies below is a repetition, above is a gap. It
  answers with CREDIT (LINK): `next` is the first item it lacks, `window` how many more it takes,
  GO_BACK set after a gap. What lies behind a gap and within the window it may keep: `next` then
  jumps over it when the gap is filled, also beyond what a sender that went back has sent again.
  So a sender may repeat the missing frame alone, ask with n = 0, and go on at `next`. CREDIT is
  cumulative. It is due after {credit_frames} frames, half a window, the last item, or a frame with
  n = 0, which asks for one.
- The first window needs no CREDIT: for results it is min(`host_credit`, `tx_ring`) / item size, for
  vectors and job entries `room` of the answer.
- READ_DATA and VMM_RESULT are kept by the board until CREDIT has acknowledged them, and sent again
  when none comes: never measured again. So the host must send CREDIT (READ_DATA: stream 1) at
  least after the last item; without it everything after the first window does not come, and END
  comes again and again with it.
- END holds the CRC-32 of the bodies of all items. For a read or product to be good: all items,
  status OK, CRC equal.
- Sizes: a vector has {{1, 4, 8, 16}} bits per selected row, low bits first, and starts on a byte.
  A result has a u16 per selected column, then with AUTO gain 2 bits each (gain - 1, low bits
  first).
- AUTO: each channel is converted at gain 1, and at the next as long as the reading is below what
  `gain_threshold` of that gain allows; a reading that clips falls back to the one before it.
- The masks are the load: selected rows are driven or at 0 V, gates of selected columns are open.
  All other rows float, all other gates are at 0 V.

## Pulses

- Operation numbers of PULSE, PULSE_ROW and JOB_BEGIN must lie above `op_hw` of HELLO's answer
  and of every earlier one, and at most {operation_step} above it; the last is {last_operation}.
  A board without numbers left begins anew when its power was off. Those of READ_ARRAY and
  VMM_BEGIN only name a stream.
- A job is staged with JOB_BEGIN and JOB_DATA; JOB_RUN checks all of it, answers, and fires.
  PROGRESS comes at most 20 times a second and at its end; JOB_STATUS asks. A row-parallel batch
  is one job of format ROW.
- A pulse whose answer is lost is not sent again in another session. Open a new session and send
  READ_JOURNAL: the record with this op and the sess in which it was sent has `started` (counted
  before the switch closes) and `done` (after it opens). Pulses below `done` were fired, those from
  `done` to `started` are unknown, the others were not. No record: not accepted, unless `boot_id`
  changed or op <= `lost_op`; then all is unknown. Unknown is settled by reading the cells.

## Volts, amperes, seconds

- DAC: V = V_min + code * (V_max - V_min) / 65536, with the span that CFG_SPAN gave the line.
  `idle_row_code` must mean 0 V.
- `hard_limits` are codes of span 2 (ROW, COLUMN) and span 1 (GATE), {span_example}. With another
  span both bind: CFG_LIMIT refuses codes outside the numbers of `hard_limits`, CFG_COMMIT
  voltages outside what they mean.
- ADC, offset binary: V_out = (code - 32768) * adc_span_mv / 1000 / 65536. The amplifier inverts:
  I = -V_out / transimpedance[gain - 1], positive out of the row into the column. |V_out| near
  `clip_mv` is saturated: the true current is larger.
- Conductance of one cell: G = I / V_row.
- Pulse width: `pulse_offset_ps` + width * `pulse_tick_ps` picoseconds.
- A SET holds the row at 0 V and drives the selected columns at `amp`; a RESET holds the columns at
  0 V and drives the row. Gates of columns that are not selected stay at 0 V.

## Virtual boards on TCP

Lines of text of the server, before the board's own first byte; no part of MLP/1. A client whose
server was given a token says `MEMLAB token=...` and a newline first. The server says `MEMLAB token`
to who lacks it, and `MEMLAB busy` while another client has the board. ESTOP is heard from all,
and answered by STATE with sess 0.

## Decided otherwise than in the first draft of this protocol

One item of a read is a row, addressed by a mask of rows, not by first row and count (a part
would be measured in another circuit). Limits are of three modes, not two: the gate alone limits the
current of a SET. CFG_LEVELS exists, so that no read can name another gate. VMM_RESULT has no gain
bits with a fixed gain. 1.x measures once (navg, repeat) and does not verify in place. CFG_BEGIN and
CFG_COMMIT are allowed in READY too. How long a host waits before it asks again is its own affair.
"""


def reference_page(spec: Spec) -> str:
    """Return the text of protocol_reference.md."""
    head = _HEAD.format(
        hash=spec.hash,
        checks=_checks(spec),
        span_example="so 5 V is 65535 (65536 would be) in span 2 and 32768 in span 1",
        **spec.wire,
        **spec.limits,
    )
    parts = [head, "## Messages\n"]
    parts.append(
        "| id | name | kind | class | allowed in |\n|---|---|---|---|---|\n"
        + "\n".join(
            f"| {m.id:02X} | {m.name} | {m.kind} | {m.klass} | {', '.join(m.states)} |"
            for m in spec.messages
        )
        + "\n"
    )
    parts += ["\n".join(_message(spec, message)) for message in spec.messages]
    parts.append("## Records\n")
    for name, record in spec.records.items():
        parts.append(f"### {name}\n\n{record['doc']}\n\n" + _fields(spec, record["fields"]))
    parts.append("## Enumerations\n")
    for name, enum in spec.enums.items():
        values = ", ".join(f"{value} {key}" for key, value in enum["values"].items())
        parts.append(f"- **{name}**: {enum['doc']} {values}.")
    return "\n".join(parts) + "\n"


def _checks(spec: Spec) -> str:
    lines = ["| # | check | refused with | meaning |", "|---|---|---|---|"]
    for number, check in enumerate(spec.checks, 1):
        lines.append(
            f"| {number} | {check['name']} | {', '.join(check['codes'])} | {check['doc']} |"
        )
    return "\n".join(lines)


def _message(spec: Spec, message: MessageSpec) -> Iterator[str]:
    yield f"### {message.id:02X} {message.name}\n\n{message.doc}\n"
    if message.fields:
        yield _fields(spec, message.fields)
    if message.response:
        yield "Answer:\n"
        yield _fields(spec, message.response)


def _bytes(spec: Spec, field: Field) -> int:
    if field.base in spec.records:
        parts = [spec.field(raw) for raw in spec.records[field.base]["fields"]]
        return sum(_bytes(spec, part) * part.count for part in parts)
    return 1 if field.base not in SCALARS else field.element.itemsize


def _fields(spec: Spec, raw_fields: Sequence[dict[str, Any]]) -> str:
    lines = ["| offset | field | type | range | unit | meaning |", "|---|---|---|---|---|---|"]
    offset = 0
    for raw in raw_fields:
        field = spec.field(raw)
        low, high = field.minimum, field.maximum
        span = "" if low is None and high is None else f"{low or 0}..{'' if high is None else high}"
        lines.append(
            f"| {offset} | {field.name} | {field.type} | {span} | {raw.get('unit', '')} "
            f"| {raw.get('doc', '')} |"
        )
        offset += _bytes(spec, field) * field.count
    return "\n".join(lines) + "\n"
