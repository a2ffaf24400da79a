"""Every message keeps its values over the wire, and the committed files are those of the spec."""

import json
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_protocol import generate, vectors
from firmware_protocol import messages as m
from firmware_protocol.codec import Field, Message, Response
from firmware_protocol.errors import LocalProtocolError, RemoteProtocolError
from firmware_protocol.framing import BadFrame, Decoder
from firmware_protocol.generator.golden import as_json
from firmware_protocol.generator.spec import SPEC_DIRECTORY, load_spec

GOLDEN = json.loads((SPEC_DIRECTORY / "golden.json").read_text())
RELEASED = 1048487189
TYPES = {t.__name__: t for t in (*m.CATALOGUE, *m.ANSWERS)}


def values_of(field: Field) -> st.SearchStrategy[object]:
    if field.is_scalar:
        info = np.iinfo(field.element)
        low = int(info.min) if field.minimum is None else field.minimum
        return st.integers(low, int(info.max) if field.maximum is None else field.maximum)
    count = st.integers(0, 40) if field.is_tail else st.just(field.count)
    if field.base == "char":
        printable = st.characters(min_codepoint=32, max_codepoint=126)
        return count.flatmap(lambda n: st.text(printable, max_size=n))
    raw = count.flatmap(
        lambda n: st.binary(
            min_size=n * field.element.itemsize, max_size=n * field.element.itemsize
        )
    )
    return raw if field.base == "u8" else raw.map(lambda r: np.frombuffer(r, field.element))


@pytest.mark.parametrize("message_type", TYPES.values(), ids=TYPES)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_every_message_survives_the_round_trip(
    message_type: type[Message], data: st.DataObject
) -> None:
    fields = {f.name: data.draw(values_of(f), f.name) for f in message_type.FIELDS}
    if issubclass(message_type, Response):
        fields["status"] = 0  # after a refusal, the rest may be missing
    message = message_type(**fields)
    again = message_type.unpack(message.pack())
    assert again == message
    assert hash(again) == hash(message)
    for name, value in fields.items():
        assert as_json(getattr(again, name)) == as_json(value)


@pytest.mark.parametrize("message_type", TYPES.values(), ids=TYPES)
@settings(max_examples=10, deadline=None)
@given(payload=st.binary(max_size=300))
def test_any_payload_is_read_or_refused(message_type: type[Message], payload: bytes) -> None:
    with suppress(RemoteProtocolError):
        assert message_type.unpack(payload).pack() is not None


@pytest.mark.parametrize("vector", GOLDEN["frames"], ids=lambda v: f"{v['name']}-{v['case']}")
def test_golden_frames_decode_to_their_fields_and_back(vector: dict) -> None:
    (frame,) = Decoder().feed(bytes.fromhex(vector["wire"]))
    message_type = TYPES[vector["name"]]
    assert (frame.kind, frame.msg) == (message_type.KIND, message_type.ID)
    fields = dict(vector["fields"])
    if issubclass(message_type, Response) and fields["status"]:
        fields = {k: fields[k] for k in ("status", "detail")}
    message = message_type.unpack(frame.payload)
    assert {k: as_json(getattr(message, k)) for k in fields} == fields
    assert message.pack() == frame.payload


@pytest.mark.parametrize("case", GOLDEN["malformed"], ids=lambda c: c["note"].replace(" ", "-"))
def test_malformed_frames_are_refused_for_the_stated_reason(case: dict) -> None:
    (found,) = Decoder().feed(bytes.fromhex(case["wire"]))
    if isinstance(found, BadFrame):
        assert found.counter == case["reason"]
        return
    message_type = m.MESSAGES.get((found.kind, found.msg))
    if message_type is None:
        assert case["reason"] == "UNKNOWN_MSG"
        return
    with pytest.raises(RemoteProtocolError) as refused:
        message_type.unpack(found.payload)
    assert m.ErrorCode(refused.value.code).name == case["reason"]


def test_there_are_golden_vectors_of_every_message_and_thirty_malformed_frames() -> None:
    assert {v["name"] for v in GOLDEN["frames"]} == set(TYPES)
    assert len(GOLDEN["malformed"]) >= 30


def test_released_golden_vectors_never_change() -> None:
    """The checksum is of the vectors of 1.1 as they were released; newer messages add to them."""
    newer = {"GetDrivers", "GetDriversResponse", "GetHistory", "GetHistoryResponse"}
    frames = [v for v in GOLDEN["frames"] if v["name"] not in newer]
    wires = [[v["name"], v["case"], v["wire"]] for v in frames]
    text = json.dumps([wires, [case["wire"] for case in GOLDEN["malformed"]]])
    assert zlib.crc32(text.encode()) == RELEASED


def test_generated_files_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--check"]) == 0, capsys.readouterr().err


def test_the_spec_hash_covers_the_wire_and_not_its_description(tmp_path: Path) -> None:
    text = (SPEC_DIRECTORY / "mlp.toml").read_text()
    path = tmp_path / "mlp.toml"
    path.write_text(text.replace("Ask for a sign of life", "Say something").replace('"us"', '"µs"'))
    assert load_spec(path).hash == m.SPEC_HASH
    path.write_text(text.replace('maximum", type = "u16"', 'maximum", type = "u32"', 1))
    changed = load_spec(path)
    assert changed.hash != m.SPEC_HASH
    differing = [
        c.name for c in changed.messages for t in m.CATALOGUE if (c.id, c.hash) == (t.ID, t.HASH)
    ]
    assert len(differing) == len(m.CATALOGUE) - 1


def test_sizes_match_the_reference() -> None:
    assert m.Hello.LAYOUT.struct.size == 28
    assert m.HelloResponse.LAYOUT.struct.size == 64
    assert m.Credit.LAYOUT.struct.size == 12
    assert m.CELL_PULSE.itemsize == 10
    assert m.ROW_PULSE.itemsize == 142
    assert m.JOURNAL_RECORD.itemsize == 20


def test_a_field_out_of_range_is_not_sent() -> None:
    with pytest.raises(LocalProtocolError, match="line"):
        m.CfgSpan(line=3, span=0).pack()
    with pytest.raises(LocalProtocolError):
        m.Ping(token=1 << 32).pack()
    gate = np.zeros(63, np.uint16)
    with pytest.raises(LocalProtocolError, match="gate"):
        m.PulseRow(op=1, row=0, kind=0, amp=0, width=0, cols=0, gate=gate).pack()
    with pytest.raises(LocalProtocolError, match="outside"):
        m.DacWrite(first=0, n=1, update=0, code=np.array([70000])).pack()


@given(st.data(), st.sampled_from(list(m.InputFormat)), st.integers(1, 128), st.integers(1, 5))
def test_vectors_keep_their_levels(
    data: st.DataObject, fmt: m.InputFormat, rows: int, count: int
) -> None:
    top = {0: 1, 1: 15, 2: 255, 3: 65535}[fmt]
    seed = data.draw(st.integers(0, 1000))
    levels = np.random.default_rng(seed).integers(0, top + 1, (count, rows))
    body = vectors.pack_vectors(levels, fmt)
    assert len(body) == count * vectors.vector_size(rows, fmt)
    assert np.array_equal(vectors.unpack_vectors(body, rows, fmt), levels)


@given(st.integers(1, 64), st.integers(1, 4), st.sampled_from(list(m.GainMode)), st.integers(0, 99))
def test_samples_keep_codes_and_gains(columns: int, items: int, mode: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    code = rng.integers(0, 65536, (items, columns))
    gain = rng.integers(1, 5, (items, columns)) if mode == 4 else np.full(code.shape, mode + 1)
    body = vectors.pack_samples(code, gain, mode)
    assert len(body) == items * vectors.sample_size(columns, mode)
    codes, gains = vectors.unpack_samples(body, columns, mode)
    assert np.array_equal(codes, code)
    assert np.array_equal(gains, gain)


@given(st.sets(st.integers(0, 127)), st.sets(st.integers(0, 63)))
def test_masks_keep_their_lines(rows: set[int], columns: set[int]) -> None:
    assert vectors.rows_of(vectors.row_mask(sorted(rows))).tolist() == sorted(rows)
    assert vectors.columns_of(vectors.column_mask(sorted(columns))).tolist() == sorted(columns)


def test_row_pulses_carry_mask_and_gates_of_each_pulse() -> None:
    columns = np.zeros((3, 64), bool)
    columns[0, 5] = columns[1, [0, 63]] = True
    gate = np.arange(3 * 64).reshape(3, 64)
    pulses = vectors.row_pulses([1, 127, 3], [0, 1, 0], 40000, [10, 20, 30], columns, gate)
    assert [vectors.columns_of(int(c)).tolist() for c in pulses["cols"]] == [[5], [0, 63], []]
    assert pulses["gate"].tolist() == np.where(columns, gate, 0).tolist()
    assert pulses["row"].tolist() == [1, 127, 3]
