"""How a message becomes bytes: fields, layouts and the base class of all generated messages.

messages.py is generated and only declares; everything that acts is here, once. A message is a class
under `@message`, its fields are attributes with a `wire` type. A payload is a packed little-endian
struct, followed by at most one tail that fills the rest. Ranges of the specification are checked
both ways: what we may not send raises `LocalProtocolError`, what the peer may not send raises
`RemoteProtocolError`.
"""

from __future__ import annotations

import dataclasses
import re
import struct
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any, ClassVar, Self, TypeVar, dataclass_transform

import numpy as np

from firmware_protocol.errors import LocalProtocolError, RemoteProtocolError

SCALARS = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "i16": "h", "i32": "i"}
_LEN, _RANGE = 1, 16
_TYPE = re.compile(r"(\w+)(?:\[(\d*)\])?$")


class OpenEnum(IntEnum):
    """An enumeration that a later minor version may extend: an unknown value is one without a name.

    So no code of a newer board, or of a broken one, is an error of its own.
    """

    @classmethod
    def _missing_(cls, value: object) -> OpenEnum | None:
        if not isinstance(value, int) or not 0 <= value <= 0xFFFFFFFF:
            return None
        member = int.__new__(cls, value)
        member._name_, member._value_ = f"{cls.__name__}_{value}", value
        return member


@dataclass(frozen=True)
class Field:
    """One field of a payload.

    Parameters
    ----------
    name, type
        Name, and type as written in the specification.
    minimum, maximum
        Allowed values of a scalar, both included; None where the type is the only bound.
    dtype
        Record type of the elements when `type` is not built in.
    """

    name: str
    type: str
    minimum: int | None = None
    maximum: int | None = None
    dtype: np.dtype[Any] | None = None

    @cached_property
    def base(self) -> str:
        """Element type without its brackets."""
        return self._parts[0]

    @cached_property
    def is_tail(self) -> bool:
        """True when the field fills the rest of the payload."""
        return self._parts[1] == ""

    @cached_property
    def count(self) -> int:
        """Elements of a fixed array; 1 for a scalar, 0 for a tail."""
        brackets = self._parts[1]
        return 1 if brackets is None else int(brackets or 0)

    @cached_property
    def is_scalar(self) -> bool:
        """True for a plain integer."""
        return self._parts[1] is None

    @cached_property
    def element(self) -> np.dtype[Any]:
        """Numpy type of one element; meaningless for text and raw bytes."""
        if self.dtype is not None:
            return self.dtype
        return np.dtype("<" + SCALARS[self.base] if self.base in SCALARS else "S1")

    @cached_property
    def size(self) -> int:
        """Bytes of the fixed part."""
        return self.element.itemsize * self.count

    @cached_property
    def _parts(self) -> tuple[str, str | None]:
        match = _TYPE.match(self.type)
        assert match is not None, self.type
        return match[1], match[2]

    def to_wire(self, value: Any) -> Any:
        """Turn a Python value into what `struct` or the tail takes."""
        if self.is_scalar:
            return value
        if self.base == "char":
            raw = value.encode("ascii", "replace")
        elif self.base == "u8":
            raw = bytes(value)
        else:
            array = np.asarray(value)
            if array.dtype != self.element:
                array = _convert(self, array)
            raw = array.tobytes()
        if not self.is_tail and len(raw) > self.size:
            raise LocalProtocolError(f"{self.name} takes {self.size} bytes, got {len(raw)}")
        if not self.is_tail and self.base != "char" and len(raw) != self.size:
            raise LocalProtocolError(f"{self.name} needs {self.size} bytes, got {len(raw)}")
        return raw

    def from_wire(self, raw: Any) -> Any:
        """Turn what `struct` or the tail gave into a Python value."""
        if self.is_scalar:
            return raw
        if self.base == "char":
            return raw.rstrip(b"\0").decode("ascii", "replace")
        if self.base == "u8":
            return bytes(raw)
        if len(raw) % self.element.itemsize:
            raise RemoteProtocolError(
                f"{self.name}: {len(raw)} bytes are not whole elements of {self.element.itemsize}",
                _LEN,
            )
        return np.frombuffer(raw, self.element)


def _convert(field: Field, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if array.dtype.names is not None or field.dtype is not None:
        raise LocalProtocolError(f"{field.name} needs elements of {field.element}")
    bounds = np.iinfo(field.element)
    if array.size and not (array.min() >= bounds.min and array.max() <= bounds.max):
        raise LocalProtocolError(f"{field.name} holds a value outside {field.type}")
    return array.astype(field.element)


class Layout:
    """The packed form of a list of fields."""

    def __init__(self, fields: tuple[Field, ...], *, answer: bool = False) -> None:
        self.fields = fields
        self.answer = answer
        self.names = tuple(f.name for f in fields)
        self.fixed = tuple(f for f in fields if not f.is_tail)
        self.fixed_names = tuple(f.name for f in self.fixed)
        self.tail = next((f for f in fields if f.is_tail), None)
        self.struct = struct.Struct(
            "<" + "".join(SCALARS[f.base] if f.is_scalar else f"{f.size}s" for f in self.fixed)
        )
        self.ranged = tuple(f for f in fields if f.minimum is not None or f.maximum is not None)
        self.plain = all(f.is_scalar for f in self.fixed)

    def pack(self, message: Message) -> bytes:
        """Return the payload of a message."""
        for field in self._ranged(message.status if self.answer else 0):  # type: ignore[attr-defined]
            value = getattr(message, field.name)
            if not _within(field, value):
                raise LocalProtocolError(
                    f"{type(message).__name__}.{field.name} = {value}: allowed "
                    f"{field.minimum or 0}..{field.maximum if field.maximum is not None else 'max'}"
                )
        if self.plain:
            values = [getattr(message, name) for name in self.fixed_names]
        else:
            values = [f.to_wire(getattr(message, f.name)) for f in self.fixed]
        try:
            raw = self.struct.pack(*values)
        except struct.error as error:
            raise LocalProtocolError(f"{type(message).__name__}: {error}") from error
        if self.tail is not None:
            raw += self.tail.to_wire(getattr(message, self.tail.name))
        return raw

    def unpack(self, payload: bytes, name: str) -> dict[str, Any]:
        """Return the values by field name; raise `RemoteProtocolError` when they cannot be."""
        size = self.struct.size
        if len(payload) < size:
            raise RemoteProtocolError(f"{name} needs {size} bytes, got {len(payload)}", _LEN)
        values: list[Any] = list(self.struct.unpack_from(payload))
        if not self.plain:
            pairs = zip(self.fixed, values, strict=True)
            values = [field.from_wire(value) for field, value in pairs]
        if self.tail is not None:
            values.append(self.tail.from_wire(payload[size:]))
        named = dict(zip(self.names, values, strict=True))
        for field in self._ranged(named["status"] if self.answer else 0):
            if not _within(field, named[field.name]):
                raise RemoteProtocolError(
                    f"{name}.{field.name} = {named[field.name]} is out of range", _RANGE
                )
        return named

    def _ranged(self, status: int) -> tuple[Field, ...]:
        """Return the fields whose range holds: none of a refusal, which reads as zero."""
        return () if status else self.ranged


def _within(field: Field, value: int) -> bool:
    return (field.minimum is None or value >= field.minimum) and (
        field.maximum is None or value <= field.maximum
    )


class Message:
    """Base of all messages: frozen, slotted, equal when class and bytes are equal."""

    __slots__ = ()

    ID: ClassVar[int]
    KIND: ClassVar[int] = 1
    CLASS: ClassVar[str] = "-"
    STATES: ClassVar[frozenset[Any]] = frozenset()
    HASH: ClassVar[int] = 0
    RESPONSE: ClassVar[type[Message] | None] = None
    FIELDS: ClassVar[tuple[Field, ...]]
    LAYOUT: ClassVar[Layout]
    IS_ANSWER: ClassVar[bool] = False

    def pack(self) -> bytes:
        """Return the payload; raise `LocalProtocolError` when a field cannot be sent."""
        return self.LAYOUT.pack(self)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Read a payload. Bytes after the last fixed field are ignored (later minor versions)."""
        return cls._read(payload)

    @classmethod
    def _read(cls, payload: bytes) -> Self:
        # Apart, for `Response`: `super()` there means the class before `slots` made it anew.
        return cls(**cls.LAYOUT.unpack(payload, cls.__name__))

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.pack() == other.pack()

    def __hash__(self) -> int:
        return hash((self.ID, self.pack()))


def wire(
    type: str,  # noqa: A002 - the word of the specification
    *,
    minimum: int | None = None,
    maximum: int | None = None,
    dtype: np.dtype[Any] | None = None,
    default: Any = dataclasses.MISSING,
) -> Any:
    """Declare a field of a message; the arguments are those of `Field`."""
    described = {"type": type, "minimum": minimum, "maximum": maximum, "dtype": dtype}
    return dataclasses.field(default=default, metadata=described)


_Message = TypeVar("_Message", bound=Message)


@dataclass_transform(
    frozen_default=True, eq_default=False, kw_only_default=True, field_specifiers=(wire,)
)
def message(cls: type[_Message]) -> type[_Message]:
    """Make a message of a class whose attributes are `wire` fields, in the order of the wire."""
    made = dataclass(frozen=True, slots=True, eq=False, kw_only=True)(cls)
    made.FIELDS = tuple(Field(f.name, **f.metadata) for f in dataclasses.fields(made))  # type: ignore[arg-type]
    made.LAYOUT = Layout(made.FIELDS, answer=made.IS_ANSWER)
    return made


@message
class Response(Message):
    """Base of all answers: status and detail come first, and alone when the status is an error."""

    IS_ANSWER = True

    status: int = wire("u16", default=0)  # ErrorCode; bit 15: repeated from the cache
    detail: int = wire("u16", default=0)  # the field, channel or state concerned

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Read an answer; the fields of a refusal read as zero."""
        if len(payload) >= 4 and payload[:2] != b"\0\0":
            payload = payload.ljust(cls.LAYOUT.struct.size, b"\0")
            try:
                return cls._read(payload)
            except RemoteProtocolError:
                payload = payload[:4].ljust(cls.LAYOUT.struct.size, b"\0")
        return cls._read(payload)
