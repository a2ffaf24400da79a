"""The specification as Python objects, and its hashes.

The hash must not depend on anything but the wire: it is taken over canonical JSON (sorted keys,
no spaces) of the TOML without `doc` and `unit`, so that a corrected sentence keeps old boards
valid and a changed limit does not.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware_protocol.codec import SCALARS, Field

SPEC_DIRECTORY = Path(__file__).parent.parent / "spec"


@dataclass(frozen=True)
class MessageSpec:
    """One [[message]] of the specification."""

    id: int
    name: str
    kind: str
    klass: str
    states: tuple[str, ...]
    doc: str
    fields: tuple[dict[str, Any], ...]
    response: tuple[dict[str, Any], ...] | None
    bare: bool
    hash: int

    @property
    def python_name(self) -> str:
        """READ_ARRAY -> ReadArray; events end in Event, so that STATE is not the enum State."""
        camel = "".join(part.capitalize() for part in self.name.split("_"))
        return camel + "Event" if self.kind == "EVT" else camel


@dataclass(frozen=True)
class Spec:
    """The whole specification."""

    wire: dict[str, Any]
    limits: dict[str, int]
    enums: dict[str, dict[str, Any]]
    records: dict[str, dict[str, Any]]
    checks: tuple[dict[str, Any], ...]
    messages: tuple[MessageSpec, ...]
    hash: int

    def field(self, raw: dict[str, Any]) -> Field:
        """Return the codec's field for a field of the specification."""
        field = Field(raw["name"], raw["type"], raw.get("min"), raw.get("max"))
        if field.base not in SCALARS and field.base != "char" and field.base not in self.records:
            raise ValueError(f"field {field.name}: unknown type {field.type}")
        return field


def _wire_relevant(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _wire_relevant(v) for k, v in value.items() if k not in ("doc", "unit")}
    if isinstance(value, list):
        return [_wire_relevant(item) for item in value]
    return value


def _digest(value: Any) -> bytes:
    canonical = json.dumps(_wire_relevant(value), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).digest()


def _message(raw: dict[str, Any], records: dict[str, dict[str, Any]]) -> MessageSpec:
    fields, response = raw["fields"], raw.get("response")
    if response is not None and not raw.get("bare"):
        head = [
            {"name": "status", "type": "u16", "doc": "ErrorCode; bit 15: repeated from the cache"},
            {"name": "detail", "type": "u16", "doc": "the field, channel or state concerned"},
        ]
        response = head + response
    used = [
        records[name]
        for name in records
        if any(f["type"].startswith(name) for f in [*fields, *(response or [])])
    ]
    return MessageSpec(
        id=raw["id"],
        name=raw["name"],
        kind=raw["kind"],
        klass=raw["class"],
        states=tuple(raw["states"]),
        doc=raw["doc"],
        fields=tuple(fields),
        response=None if response is None else tuple(response),
        bare=raw.get("bare", False),
        hash=int.from_bytes(_digest([raw, used])[:4], "little"),
    )


def load_spec(path: Path = SPEC_DIRECTORY / "mlp.toml") -> Spec:
    """Read and check the specification.

    Raises
    ------
    ValueError
        On a repeated id or name, an unknown type, state or kind, or a tail that is not last.
    """
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    records = {record["name"]: record for record in raw["record"]}
    messages = tuple(_message(item, records) for item in raw["message"])
    spec = Spec(
        wire=raw["wire"],
        limits=raw["limits"],
        enums=raw["enum"],
        records=records,
        checks=tuple(raw["check"]),
        messages=messages,
        hash=int.from_bytes(_digest(raw)[:8], "little"),
    )
    _check(spec)
    return spec


def _check(spec: Spec) -> None:
    if unknown := {c for check in spec.checks for c in check["codes"]} - set(
        spec.enums["ErrorCode"]["values"]
    ):
        raise ValueError(f"checks name errors that do not exist: {unknown}")
    if len({m.id for m in spec.messages}) != len(spec.messages):
        raise ValueError("two messages share an id")
    states = {*spec.enums["State"]["values"], "any"}
    for message in spec.messages:
        if message.kind not in spec.enums["Kind"]["values"]:
            raise ValueError(f"{message.name}: unknown kind {message.kind}")
        if message.klass not in ("I", "O", "S") or not states.issuperset(message.states):
            raise ValueError(f"{message.name}: unknown class or state")
        if (message.kind == "REQ") > (message.response is not None):
            raise ValueError(f"{message.name}: a request needs a response")
        for fields in (message.fields, message.response or ()):
            if any(spec.field(f).is_tail for f in fields[:-1]):
                raise ValueError(f"{message.name}: the tail must be the last field")
