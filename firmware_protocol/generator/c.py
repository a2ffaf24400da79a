"""Writes spec/mlp_gen.h: the same wire for a firmware in C.

No packed structs and no casts of buffers: every field is moved byte by byte, so that alignment and
byte order of the controller do not matter. A tail stays in the buffer; the struct points at it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from firmware_protocol.codec import Field
from firmware_protocol.generator.spec import MessageSpec, Spec

_TYPES = {"u8": "uint8_t", "u16": "uint16_t", "u32": "uint32_t", "u64": "uint64_t"} | {
    "i16": "int16_t",
    "i32": "int32_t",
    "char": "char",
}
_WIDTHS = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "i16": 2, "i32": 4, "char": 1}
_STATUS = 4
"""Bytes of status and detail, which a refusal always holds."""

_HEAD = """\
/* MLP/1 for C. Generated from mlp.toml by python -m firmware_protocol.generate; do not edit.
 *
 * mlp_x_pack writes a payload of at most `room` bytes and stores its length, which may be 0, in *n;
 * mlp_x_unpack reads a payload of n bytes. Both return MLP_ERROR_CODE_OK, or why not: LEN when the
 * payload is short or its tail is not whole elements, RANGE when a field is out of range (an answer
 * has ranges only while its status is OK), TOO_BIG when it does not fit. Then *n is 0, and what is
 * in the struct means nothing.
 *
 * A tail stays in the buffer: the struct points at it, and counts it in bytes. An answer whose
 * status is not OK may be short: its other fields read as zero. The host clears bit 15 of status
 * (repeated from the cache) first. Strings are not terminated when they fill their field. A payload
 * may be longer than its fields; what follows them is ignored. */
#ifndef MLP_GEN_H
#define MLP_GEN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline void mlp_put(uint8_t *p, uint64_t v, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static inline uint64_t mlp_get(const uint8_t *p, unsigned n)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < n; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}
"""


def c_source(spec: Spec) -> str:
    """Return the text of mlp_gen.h."""
    parts = [_HEAD, "\n".join(_constants(spec))]
    parts += ["\n".join(_enum(name, enum)) for name, enum in spec.enums.items()]
    for name, record in spec.records.items():
        parts.append("\n".join(_codec(spec, _snake(name), record["fields"])))
    for message in spec.messages:
        name = message.name.lower()
        parts.append("\n".join(_codec(spec, name, message.fields)))
        if message.response is not None:
            answer = _codec(spec, f"{name}_rsp", message.response, answer=not message.bare)
            parts.append("\n".join(answer))
    parts.append("\n".join(_table(spec)))
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n\n#endif\n"


def _snake(name: str) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")


def _constants(spec: Spec) -> Iterator[str]:
    yield f"#define MLP_SPEC_HASH 0x{spec.hash:016X}ULL"
    for table in (spec.wire, spec.limits):
        for name, value in table.items():
            text = f'"{value}"' if isinstance(value, str) else f"{value}u"
            yield f"#define MLP_{name.upper()} {text}"
    for message in spec.messages:
        yield f"#define MLP_ID_{message.name} 0x{message.id:02X}u"
        yield f"#define MLP_HASH_{message.name} 0x{message.hash:08X}u"


def _enum(name: str, enum: dict[str, Any]) -> Iterator[str]:
    snake = _snake(name)
    yield f"/* {enum['doc']} */"
    yield "typedef enum {"
    for key, value in enum["values"].items():
        yield f"    MLP_{snake.upper()}_{key} = {value},"
    yield f"}} mlp_{snake}_t;"


def _size(field: Field) -> int:
    return _WIDTHS.get(field.base, 1) * field.count


def _codec(
    spec: Spec, name: str, raw_fields: Sequence[dict[str, Any]], *, answer: bool = False
) -> Iterator[str]:
    fields = [spec.field(raw) for raw in raw_fields]
    fixed = sum(_size(f) for f in fields)
    yield f"#define MLP_{name.upper()}_SIZE {fixed}u /* without a tail */"
    if not fields:
        return
    yield f"typedef struct mlp_{name} {{"
    for field in fields:
        if field.is_tail:
            yield f"    const uint8_t *{field.name};"
            yield f"    size_t {field.name}_len; /* bytes; elements: {field.type} */"
        else:
            suffix = "" if field.is_scalar else f"[{field.count}]"
            yield f"    {_TYPES[field.base]} {field.name}{suffix};"
    yield f"}} mlp_{name};"
    element = next((_element(spec, f) for f in fields if f.is_tail), 1)
    yield from _pack(name, fields, fixed, element, answer)
    yield from _unpack(name, fields, fixed, element, answer)


def _element(spec: Spec, tail: Field) -> int:
    """Return the bytes of one element of a tail."""
    if tail.base in spec.records:
        return sum(_size(spec.field(raw)) for raw in spec.records[tail.base]["fields"])
    return _WIDTHS[tail.base]


def _range_test(field: Field, *, answer: bool) -> str:
    """Return the C condition under which a field is out of range; a refusal has no ranges."""
    tests = [f"m->{field.name} < {field.minimum}"] if field.minimum else []
    tests += [f"m->{field.name} > {field.maximum}"] if field.maximum is not None else []
    test = " || ".join(tests)
    return f"m->status == 0 && ({test})" if answer and test else test


def _pack(
    name: str, fields: Sequence[Field], fixed: int, element: int, answer: bool
) -> Iterator[str]:
    arguments = f"const mlp_{name} *m, uint8_t *p, size_t room, size_t *n"
    yield f"static inline int mlp_{name}_pack({arguments})"
    yield "{"
    tail = next((f for f in fields if f.is_tail), None)
    yield "    *n = 0;"
    for field in fields:
        if test := _range_test(field, answer=answer):
            yield f"    if ({test})"
            yield "        return MLP_ERROR_CODE_RANGE;"
    if tail is not None and element > 1:
        yield f"    if (m->{tail.name}_len % {element}u)"
        yield "        return MLP_ERROR_CODE_LEN;"
    # Two comparisons, so that no sum can run over.
    beyond = f" || room - {fixed}u < m->{tail.name}_len" if tail else ""
    yield (
        f"    if (room < {fixed}u{beyond})" if fixed else f"    if (room < m->{fields[0].name}_len)"
    )
    yield "        return MLP_ERROR_CODE_TOO_BIG;"
    offset = 0
    for field in fields:
        width = _WIDTHS.get(field.base, 1)
        if field.is_tail:
            yield f"    if (m->{field.name}_len)"
            yield f"        memcpy(p + {offset}, m->{field.name}, m->{field.name}_len);"
        elif field.is_scalar:
            yield f"    mlp_put(p + {offset}, (uint64_t)m->{field.name}, {width});"
        else:
            yield f"    for (unsigned i = 0; i < {field.count}; i++)"
            one = f"(uint64_t)m->{field.name}[i]"
            yield f"        mlp_put(p + {offset} + {width} * i, {one}, {width});"
        offset += _size(field)
    yield f"    *n = {fixed}u" + (f" + m->{tail.name}_len;" if tail else ";")
    yield "    return MLP_ERROR_CODE_OK;"
    yield "}"


def _unpack(
    name: str, fields: Sequence[Field], fixed: int, element: int, answer: bool
) -> Iterator[str]:
    yield f"static inline int mlp_{name}_unpack(mlp_{name} *m, const uint8_t *p, size_t n)"
    yield "{"
    broken_tail = f"(n - {fixed}u) % {element}u" if fixed else f"n % {element}u"
    if answer and (fixed > _STATUS or element > 1):
        yield f"    uint8_t refusal[{fixed}];"
        short = f"n < {fixed}u" + (f" || {broken_tail}" if element > 1 else "")
        yield f"    if (n >= {_STATUS}u && (p[0] || p[1]) && ({short})) {{"
        yield "        memset(refusal, 0, sizeof refusal);"
        yield f"        memcpy(refusal, p, n < {fixed}u ? n : {_STATUS}u);"
        yield "        p = refusal;"
        yield f"        n = {fixed}u;"
        yield "    }"
    if fixed:
        yield f"    if (n < {fixed}u)"
        yield "        return MLP_ERROR_CODE_LEN;"
    if element > 1:
        yield f"    if ({broken_tail})"
        yield "        return MLP_ERROR_CODE_LEN;"
    offset = 0
    for field in fields:
        width, kind = _WIDTHS.get(field.base, 1), _TYPES.get(field.base, "uint8_t")
        if field.is_tail:
            yield f"    m->{field.name} = n > {offset}u ? p + {offset} : NULL;"
            yield f"    m->{field.name}_len = n - {offset}u;"
        elif field.is_scalar:
            yield f"    m->{field.name} = ({kind})mlp_get(p + {offset}, {width});"
            if test := _range_test(field, answer=answer):
                yield f"    if ({test})"
                yield "        return MLP_ERROR_CODE_RANGE;"
        else:
            yield f"    for (unsigned i = 0; i < {field.count}; i++)"
            one = f"({kind})mlp_get(p + {offset} + {width} * i, {width})"
            yield f"        m->{field.name}[i] = {one};"
        offset += _size(field)
    yield "    return MLP_ERROR_CODE_OK;"
    yield "}"


def _allowed(spec: Spec, message: MessageSpec) -> int:
    values = spec.enums["State"]["values"]
    names = values if "any" in message.states else message.states
    return sum(1 << values[name] for name in names)


def _table(spec: Spec) -> Iterator[str]:
    yield "/* Every message: kind, class letter, and the states that allow it as a bit mask. */"
    yield "typedef struct mlp_message_info {"
    yield "    uint8_t id, kind;"
    yield "    char klass;"
    yield "    uint16_t states;"
    yield "    uint32_t hash;"
    yield "} mlp_message_info;"
    yield "static const mlp_message_info mlp_messages[] = {"
    kinds = spec.enums["Kind"]["values"]
    for m in spec.messages:
        states = _allowed(spec, m)
        yield (
            f"    {{0x{m.id:02X}, {kinds[m.kind]}, '{m.klass}', 0x{states:04X}, 0x{m.hash:08X}u}},"
            f" /* {m.name} */"
        )
    yield "};"
