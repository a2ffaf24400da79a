"""Writes messages.py: declarations only, the code that acts is in codec.py."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from firmware_protocol.codec import SCALARS, Field, Response
from firmware_protocol.generator.spec import MessageSpec, Spec

HEADER = '''\
"""Messages, records and enums of MLP/1.

Generated from spec/mlp.toml by `python -m firmware_protocol.generate`; do not edit.
"""

# fmt: off

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from firmware_protocol.codec import Message, OpenEnum, Response, message, wire

'''


def python_source(spec: Spec) -> str:
    """Return the text of messages.py."""
    parts: list[str] = [HEADER + "\n".join(_constants(spec))]
    parts += [_enum(name, enum) for name, enum in spec.enums.items()]
    parts.append("\n".join(_record(name, record) for name, record in spec.records.items()))
    for message in spec.messages:
        if message.response is not None:
            parts.append(_response(spec, message))
        parts.append(_message(spec, message))
    parts.append(_registry(spec))
    return "\n\n".join(part.rstrip("\n") + "\n" for part in parts)


def _constants(spec: Spec) -> Iterator[str]:
    yield f"SPEC_HASH = 0x{spec.hash:016X}"
    for table in (spec.wire, spec.limits):
        for name, value in table.items():
            yield (
                f'{name.upper()} = "{value}"'
                if isinstance(value, str)
                else (f"{name.upper()} = {value}")
            )


def _docstring(text: str, indent: str = "    ") -> str:
    first, _, rest = text.partition(". ")
    quoted = f'"""{text}"""'
    if len(indent + quoted) <= 100:
        return indent + quoted
    if rest and len(first) < 90:
        body = textwrap.fill(rest, 100 - len(indent))
        text = f'"""{first}.\n\n{body}\n"""'
    else:
        lines = textwrap.wrap(text, 92)
        text = '"""' + "\n".join(lines) + '\n"""'
    return textwrap.indent(text, indent)


def _enum(name: str, enum: dict[str, Any]) -> str:
    members = "\n".join(f"    {key} = {value}" for key, value in enum["values"].items())
    base = "OpenEnum" if enum.get("open") else "IntEnum"
    return f"class {name}({base}):\n{_docstring(enum['doc'])}\n\n{members}"


def record_constant(name: str) -> str:
    """JournalRecord -> JOURNAL_RECORD."""
    return "".join("_" + c if c.isupper() else c.upper() for c in name).lstrip("_")


def _record(name: str, record: dict[str, Any]) -> str:
    items = []
    for raw in record["fields"]:
        field = Field(raw["name"], raw["type"])
        code = {"u": "<u", "i": "<i"}[field.base[0]] + str(int(field.base[1:]) // 8)
        items.append(
            f'("{field.name}", "{code}")'
            if field.is_scalar
            else (f'("{field.name}", "{code}", ({field.count},))')
        )
    body = "".join(f"        {item},\n" for item in items)
    doc = _docstring(record["doc"], "")
    return f"{record_constant(name)} = np.dtype(\n    [\n{body}    ]\n)\n{doc}\n"


def _annotation(field: Field) -> str:
    if field.is_scalar:
        return "int"
    if field.base == "char":
        return "str"
    if field.base == "u8":
        return "bytes"
    if field.base not in SCALARS:
        return "npt.NDArray[np.void]"
    width = int(field.base[1:])
    return f"npt.NDArray[np.{'u' if field.base[0] == 'u' else ''}int{width}]"


def _wire(field: Field) -> str:
    arguments = [f'"{field.type}"']
    if field.minimum is not None:
        arguments.append(f"minimum={field.minimum}")
    if field.maximum is not None:
        arguments.append(f"maximum={field.maximum}")
    if field.base not in SCALARS and field.base != "char":
        arguments.append(f"dtype={record_constant(field.base)}")
    if field.is_scalar and field.name in ("status", "detail", "reserved"):
        arguments.append("default=0")
    elif field.maximum is not None and field.maximum == (field.minimum or 0):
        arguments.append(f"default={field.maximum}")
    return f"wire({', '.join(arguments)})"


def _attribute(field: Field, raw: dict[str, Any]) -> str:
    note = "; ".join(part for part in (raw.get("unit"), raw.get("doc")) if part)
    line = f"    {field.name}: {_annotation(field)} = {_wire(field)}"
    if not note:
        return line + "\n"
    if len(line) + len(note) < 96:
        return f"{line}  # {note}\n"
    return textwrap.indent(textwrap.fill(note, 92), "    # ") + f"\n{line}\n"


def _class(
    spec: Spec,
    head: str,
    doc: str,
    constants: Sequence[str],
    raw_fields: Sequence[dict[str, Any]],
) -> str:
    attributes = [_attribute(spec.field(one), one) for one in raw_fields]
    named = "".join(f"    {line}\n" for line in constants)
    parts = [f"@message\nclass {head}:\n{_docstring(doc)}\n", named, "".join(attributes)]
    return "\n".join(parts)


def _message(spec: Spec, message: MessageSpec) -> str:
    name = message.python_name
    states = (
        "frozenset(State)"
        if "any" in message.states
        else "frozenset({" + ", ".join(f"State.{s}" for s in message.states) + "})"
    )
    constants = [
        f"ID = 0x{message.id:02X}",
        f"KIND = Kind.{message.kind}",
        f'CLASS = "{message.klass}"',
        f"STATES = {states}",
        f"HASH = 0x{message.hash:08X}",
    ]
    if message.response is not None:
        constants.append(f"RESPONSE = {name}Response")
    return _class(spec, f"{name}(Message)", message.doc, constants, message.fields)


def _response(spec: Spec, message: MessageSpec) -> str:
    """Write an answer; all but the bare ones begin with the fields of their base class."""
    assert message.response is not None
    name = f"{message.python_name}Response"
    head, own = (
        (f"{name}(Message)", message.response)
        if message.bare
        else (f"{name}(Response)", message.response[len(Response.FIELDS) :])
    )
    return _class(spec, head, f"Answer to {message.name}.", [f"ID = 0x{message.id:02X}"], own)


def _registry(spec: Spec) -> str:
    names = "".join(f"    {m.python_name},\n" for m in spec.messages)
    return (
        f"CATALOGUE: tuple[type[Message], ...] = (\n{names})\n"
        f'"""Every message that is not an answer, by id."""\n\n'
        "ANSWERS = tuple(m.RESPONSE for m in CATALOGUE if m.RESPONSE is not None)\n"
        f'"""Every answer, by id."""\n\n'
        "MESSAGES: dict[tuple[int, int], type[Message]] = {(m.KIND, m.ID): m for m in CATALOGUE}\n"
        "RESPONSES: dict[int, type[Message]] = {answer.ID: answer for answer in ANSWERS}\n"
    )
