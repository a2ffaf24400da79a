"""`memlab board list | info | selftest | ground | bench` as a user types them."""

import json
import os
from collections.abc import Iterator

import numpy as np
import pytest
from support.command import in_process
from support.virtual_board import VirtualBoard

from drivers.board import AUTO_GAIN, Samples, Selection
from memlab.emulator import EmulatedBoard, load_preset

FORKED = os.name == "posix"
COMMANDS = ("info", "selftest", "ground", "bench")


@pytest.fixture(scope="module")
def served() -> Iterator[VirtualBoard]:
    with VirtualBoard("--pty", "--chip", "ideal", forked=FORKED) as board:
        yield board


@pytest.fixture(scope="module")
def published() -> Iterator[str]:
    words = ("--tcp", "0", "--dialect", "dpe", "--chip", "ideal")
    with VirtualBoard(*words, forked=FORKED) as board:
        yield board.url + "&line_pause=0"


def test_info_tells_identity_state_and_capabilities(
    served: VirtualBoard, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = in_process(capsys, "board", "info", "--board", served.url, "--json")
    document = json.loads(out)
    assert code == 0
    assert (document["rows"], document["columns"]) == (128, 64)
    assert document["serial"] == served.document["serial"]
    assert (document["state"], document["fault"]) == ("LINKED", "OK")
    assert document["damaged_frames"] == 0
    code, out, err = in_process(capsys, "board", "info", "--board", served.url)
    assert (code, err) == (0, "")
    assert served.document["serial"] in out
    _, out, _ = in_process(capsys, "board", "ground", "--board", served.url)
    assert out == f"{served.url}: every line is grounded; state LINKED; fault OK\n"


@pytest.mark.parametrize("which", ["served", "published", "emulator"])
def test_selftest_passes_item_by_item_on_a_good_board(
    which: str, served: VirtualBoard, published: str, capsys: pytest.CaptureFixture[str]
) -> None:
    url = {"served": served.url, "published": published, "emulator": "emulator:"}[which]
    code, out, _ = in_process(capsys, "board", "selftest", "--board", url, "--json")
    document = json.loads(out)
    assert code == 0
    assert document["passed"]
    assert [item["name"] for item in document["items"]] == [
        "identity",
        "ground",
        "zero",
        "noise",
        "leakage",
        "rows",
        "columns",
        "known voltages",
        "gains",
        "products",
        "settling",
        "adc codes",
    ]
    # A fresh chip conducts nowhere: what its cells would show is not told, and it says what to do.
    assert [item["name"] for item in document["items"] if item["passed"] is None] == [
        item["name"] for item in document["items"] if item["advice"]
    ]
    _, told, _ = in_process(capsys, "board", "selftest", "--board", url)
    assert told.count("PASS") == 5
    assert told.count("no cell conducts") == told.count("memlab program") == 1
    assert "not tested" in told
    assert "FAIL" not in told


class Broken(EmulatedBoard):
    """An emulated board with an offset on one channel."""

    def vmm(self, selection: Selection, row_code: np.ndarray, gain: int = AUTO_GAIN) -> Samples:
        samples = super().vmm(selection, row_code, gain)
        code = samples.code.astype(int)
        code[:, selection.columns == 5] += 100
        return Samples(code=code.clip(0, 65535).astype(np.uint16), gain=samples.gain)


def test_a_failing_selftest_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "memlab.emulator.making.EmulatedBoard", lambda *_, **__: Broken(load_preset("ideal"), 0)
    )
    code, told, _ = in_process(capsys, "board", "selftest")
    assert code == 1
    assert "FAIL  zero" in told
    assert "column 5" in told


def test_ground_says_so(
    served: VirtualBoard, published: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for url in (served.url, published, "emulator:"):
        code, out, _ = in_process(capsys, "board", "ground", "--board", url, "--json")
        assert code == 0
        assert json.loads(out)["grounded"] is True


def test_bench_counts_the_bytes_of_the_wire(
    served: VirtualBoard, published: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = in_process(capsys, "board", "bench", "--board", served.url, "--json")
    document = json.loads(out)
    assert code == 0
    assert document["bytes_up"] == pytest.approx(833982, rel=0.005)
    assert document["bytes_down"] == pytest.approx(833787, rel=0.005)
    assert document["vmm_per_second"] > 1000
    assert 0 < document["latency_median"] <= document["latency_p99"] < 1
    for url in (published, "emulator:"):
        arguments = ("--vectors", "50", "--calls", "2", "--json")
        code, out, _ = in_process(capsys, "board", "bench", "--board", url, *arguments)
        assert code == 0
        assert json.loads(out)["bytes_up"] is None


def test_list_names_boards_ports_and_boards_in_use(
    served: VirtualBoard, published: str, capsys: pytest.CaptureFixture[str]
) -> None:
    places = ("--board", served.url, "--board", published, "--board", "socket://127.0.0.1:1")
    code, out, _ = in_process(capsys, "board", "list", "--json", *places)
    assert code == 0
    found = {entry["url"]: entry for entry in json.loads(out)["ports"]}
    assert found[served.url]["status"] == "board"
    assert found[served.url]["serial"] == served.document["serial"]
    assert found[published]["status"] == "board"
    assert "server is running" in found["socket://127.0.0.1:1"]["description"]


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unreachable_board_ends_with_3_and_one_line(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for url in ("serial:///dev/nonsense", "socket://127.0.0.1:1", "dpe+socket://127.0.0.1:1"):
        code, out, err = in_process(capsys, "board", command, "--board", url)
        assert (code, out) == (3, "")
        assert len(err.splitlines()) == 1
        assert "cannot open" in err


@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_url_ends_with_2(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = in_process(capsys, "board", command, "--board", "serial://COM4?speed=3")
    assert code == 2
    assert "baudrate" in err


def test_the_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    said = in_process(capsys, "board", "--help")[1]
    for command in (*COMMANDS, "list", "serve"):
        assert command in said
