"""mlp_gen.h behind ctypes: every message of the C header, read and written by field.

A small C file is written from the specification: for each message one function that unpacks a
payload and stores each field as a 64-bit word, and one that fills the struct from such words and
packs it. So the fields are compared one by one, and not only bytes that went in and out again.
"""

import ctypes
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from firmware_protocol.codec import Field, Message
from firmware_protocol.generator.spec import SPEC_DIRECTORY, Spec, load_spec
from firmware_protocol.messages import ANSWERS, CATALOGUE

COMPILER = shutil.which("gcc") or shutil.which("cc") or shutil.which("clang")
FLAGS = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-Wpedantic", "-O1", "-fPIC", "-shared"]
_ROOM = 4096
_WORD = (1 << 64) - 1


def messages(spec: Spec) -> Iterator[tuple[str, type[Message]]]:
    """Yield the C name and the Python class of every message and answer that has fields."""
    types = {t.__name__: t for t in (*CATALOGUE, *ANSWERS)}
    for message in spec.messages:
        if message.fields:
            yield message.name.lower(), types[message.python_name]
        if message.response is not None:
            yield f"{message.name.lower()}_rsp", types[f"{message.python_name}Response"]


class CCodec:
    """The compiled header.

    Parameters
    ----------
    directory
        Where the C file and the shared object go.
    """

    def __init__(self, directory: Path) -> None:
        assert COMPILER is not None
        self.spec = load_spec()
        self.types = dict(messages(self.spec))
        source, built = directory / "codec.c", directory / "codec.so"
        source.write_text(_source(self.types))
        command = [COMPILER, *FLAGS, "-I", str(SPEC_DIRECTORY), str(source), "-o", str(built)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert not done.returncode, done.stderr
        self._library = ctypes.CDLL(str(built))

    def unpack(self, name: str, payload: bytes) -> tuple[int, list[int], bytes]:
        """Return the error code, every element of every fixed field, and the tail."""
        words = (ctypes.c_uint64 * 256)()
        tail, size = ctypes.create_string_buffer(_ROOM), ctypes.c_size_t()
        # A buffer of exactly this size: a sanitizer or valgrind sees a byte read past it.
        exact = (ctypes.c_uint8 * len(payload)).from_buffer_copy(payload)
        code = self._library[f"t_{name}_unpack"](
            exact, ctypes.c_size_t(len(payload)), words, tail, ctypes.byref(size)
        )
        return code, list(words[: _words(self.types[name])]), tail.raw[: size.value]

    def pack(
        self, name: str, words: list[int], tail: bytes, room: int = _ROOM
    ) -> tuple[int, bytes]:
        """Return the error code and the payload of a message with these fields."""
        given = (ctypes.c_uint64 * 256)(*(w & _WORD for w in words))
        out, size = ctypes.create_string_buffer(_ROOM), ctypes.c_size_t(12345)
        code = self._library[f"t_{name}_pack"](
            given, tail, ctypes.c_size_t(len(tail)), out, ctypes.c_size_t(room), ctypes.byref(size)
        )
        return code, out.raw[: size.value]


def words_of(message: Message) -> tuple[list[int], bytes]:
    """Return what `CCodec.unpack` must find in a message."""
    words: list[int] = []
    tail = b""
    for field in message.FIELDS:
        value: Any = getattr(message, field.name)
        if field.is_scalar:
            words.append(int(value))
        elif field.is_tail:
            tail = field.to_wire(value)
        elif field.base == "char":
            words += list(value.encode("ascii", "replace").ljust(field.count, b"\0"))
        else:
            words += [int(v) for v in (value if field.base == "u8" else np.asarray(value).tolist())]
    return [w & _WORD for w in words], tail


def _words(message_type: type[Message]) -> int:
    return sum(f.count for f in message_type.FIELDS if not f.is_tail)


def _source(types: dict[str, type[Message]]) -> str:
    parts = ['#include "mlp_gen.h"\n']
    for name, message_type in types.items():
        parts.append("\n".join(_functions(name, message_type.FIELDS)))
    return "\n".join(parts) + "\n"


def _functions(name: str, fields: tuple[Field, ...]) -> Iterator[str]:
    for direction in ("unpack", "pack"):
        unpacking = direction == "unpack"
        arguments = (
            "const uint8_t *p, size_t n, uint64_t *w, uint8_t *tail, size_t *tail_n"
            if unpacking
            else "const uint64_t *w, const uint8_t *tail, size_t tail_n, uint8_t *p, size_t room, "
            "size_t *n"
        )
        yield f"int t_{name}_{direction}({arguments});"
        yield f"int t_{name}_{direction}({arguments})"
        yield "{"
        yield f"    mlp_{name} m;"
        if unpacking:
            yield f"    int code = mlp_{name}_unpack(&m, p, n);"
            yield "    (void)tail, (void)w;"
            yield "    *tail_n = 0;"
            yield "    if (code)"
            yield "        return code;"
        else:
            yield "    (void)tail, (void)tail_n, (void)w;"
        at = 0
        for field in fields:
            if field.is_tail and unpacking:
                yield f"    if (m.{field.name}_len)"
                yield f"        memcpy(tail, m.{field.name}, m.{field.name}_len);"
                yield f"    *tail_n = m.{field.name}_len;"
            elif field.is_tail:
                yield f"    m.{field.name} = tail, m.{field.name}_len = tail_n;"
            for k in range(field.count):
                element = field.name if field.is_scalar else f"{field.name}[{k}]"
                kind = "unsigned char" if field.base == "char" else ""
                if unpacking:
                    yield f"    w[{at}] = (uint64_t){f'({kind})' if kind else ''}m.{element};"
                else:
                    cast = {"u8": "uint8_t", "u16": "uint16_t", "u32": "uint32_t"} | {
                        "u64": "uint64_t",
                        "i16": "int16_t",
                        "i32": "int32_t",
                        "char": "char",
                    }
                    yield f"    m.{element} = ({cast[field.base]})w[{at}];"
                at += 1
        yield "    return 0;" if unpacking else f"    return mlp_{name}_pack(&m, p, room, n);"
        yield "}"
