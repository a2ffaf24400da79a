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

Rules that the tables do not show:

- A request is answered by an RSP with the same `msg` and `seq`, whose payload starts with
  `status` and `detail`; an answer other than OK may hold nothing else. Bit 15 of `status` marks
  an answer repeated from the replay cache ({replay_cache} entries). At most {request_window}
  requests are open.
- LINK frames stand outside the sequence (seq 0). HELLO, PING and BYE are answered by an RSP
  with seq 0; PING and HELLO therefore never wait behind a request.
- The board sends NAK once per burst of errors; the host sends none, its timers and GO_BACK
  repair what it missed. Bad frames are counted, never interpreted.
- Streams go back N: the receiver takes only the item it expects. CREDIT is cumulative; a data
  frame with n = 0 asks for one. It is due after {credit_frames} frames, half a window, or the
  last item.
- Read, VMM and their results address items by number: row or vector within the operation. A job
  is staged the same way; JOB_RUN checks all of it before the first pulse.
- Operation numbers of PULSE, PULSE_ROW and JOB_BEGIN/JOB_RUN must be above `op_hw`; those of
  READ_ARRAY and VMM_BEGIN only name a stream.
- A row-parallel batch travels as one job of format ROW: entries of fixed size, so that it can
  be addressed, checked by one CRC and resumed from the journal's counters.
- A payload may be longer than its fields (later minor versions); shorter is LEN.
- Out of FAULT only through CLEAR_FAULT; it names the fault, and the configuration is gone.
"""


def reference_page(spec: Spec) -> str:
    """Return the text of protocol_reference.md."""
    head = _HEAD.format(hash=spec.hash, **spec.wire, **spec.limits)
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
