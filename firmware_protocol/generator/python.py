"""Writes messages.py: declarations only, the code that acts is in codec.py."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from firmware_protocol.codec import SCALARS, Field
from firmware_protocol.generator.spec import MessageSpec, Spec

HEADER = '''\
"""Messages, records and enums of MLP/1.

Generated from spec/mlp.toml by `python -m firmware_protocol.generate`; do not edit.
"""

# fmt: off

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from firmware_protocol.codec import Field, Message, OpenEnum, Response

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


def _field(field: Field) -> str:
    arguments = [f'"{field.name}"', f'"{field.type}"']
    if field.minimum is not None:
        arguments.append(f"minimum={field.minimum}")
    if field.maximum is not None:
        arguments.append(f"maximum={field.maximum}")
    if field.base not in SCALARS and field.base != "char":
        arguments.append(f"dtype={record_constant(field.base)}")
    return f"Field({', '.join(arguments)})"


def _attribute(field: Field, raw: dict[str, Any]) -> str:
    default = ""
    if field.is_scalar and field.name in ("status", "detail", "reserved"):
        default = " = 0"
    elif field.maximum is not None and field.maximum == (field.minimum or 0):
        default = f" = {field.maximum}"
    note = "; ".join(part for part in (raw.get("unit"), raw.get("doc")) if part)
    line = f"    {field.name}: {_annotation(field)}{default}"
    if not note:
        return line + "\n"
    if len(line) + len(note) < 96:
        return f"{line}  # {note}\n"
    return textwrap.indent(textwrap.fill(note, 92), "    # ") + f"\n{line}\n"


def _body(spec: Spec, raw_fields: Sequence[dict[str, Any]]) -> str:
    fields = [spec.field(raw) for raw in raw_fields]
    if not fields:
        return "    FIELDS = ()\n"
    # Break lines between fields only.
    listed = textwrap.fill(", ".join(_field(f).replace(" ", "\0") for f in fields) + ",", 91)
    listed = textwrap.indent(listed, "        ").replace("\0", " ")
    attributes = "".join(_attribute(f, raw) for f, raw in zip(fields, raw_fields, strict=True))
    return f"    FIELDS = (\n{listed}\n    )\n\n{attributes}"


def _message(spec: Spec, message: MessageSpec) -> str:
    name = message.python_name
    states = (
        "frozenset(State)"
        if "any" in message.states
        else "frozenset({" + ", ".join(f"State.{s}" for s in message.states) + "})"
    )
    answer = f"{name}Response" if message.response is not None else "None"
    return (
        f"@dataclass(frozen=True, slots=True, eq=False, kw_only=True)\n"
        f"class {name}(Message):\n{_docstring(message.doc)}\n\n"
        f"    ID = 0x{message.id:02X}\n"
        f"    KIND = Kind.{message.kind}\n"
        f'    CLASS = "{message.klass}"\n'
        f"    STATES = {states}\n"
        f"    HASH = 0x{message.hash:08X}\n"
        f"    RESPONSE = {answer}\n" + _body(spec, message.fields)
    )


def _response(spec: Spec, message: MessageSpec) -> str:
    base = "Message" if message.bare else "Response"
    assert message.response is not None
    return (
        f"@dataclass(frozen=True, slots=True, eq=False, kw_only=True)\n"
        f"class {message.python_name}Response({base}):\n"
        f"{_docstring(f'Answer to {message.name}.')}"
        f"\n\n    ID = 0x{message.id:02X}\n" + _body(spec, message.response)
    )


def _registry(spec: Spec) -> str:
    names = "".join(f"    {m.python_name},\n" for m in spec.messages)
    answers = "".join(
        f"    {m.python_name}Response,\n" for m in spec.messages if m.response is not None
    )
    return (
        f"CATALOGUE: tuple[type[Message], ...] = (\n{names})\n"
        f'"""Every message that is not an answer, by id."""\n\n'
        f"ANSWERS: tuple[type[Message], ...] = (\n{answers})\n"
        f'"""Every answer, by id."""\n\n'
        "MESSAGES: dict[tuple[int, int], type[Message]] = {(m.KIND, m.ID): m for m in CATALOGUE}\n"
        "RESPONSES: dict[int, type[Message]] = {answer.ID: answer for answer in ANSWERS}\n"
    )
