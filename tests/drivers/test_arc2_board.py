"""The ArC TWO driver over a stand-in for pyarc2, whose signatures are those of the package."""

import inspect
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.arc2 import plug_in
from support.command import in_process
from support.fake_arc2 import FakePyarc2, Instrument, dac

from drivers import arc2_board
from drivers.board import Outcome
from drivers.errors import (
    DeviceError,
    InUseError,
    LimitError,
    PulseOutcomeUnknown,
    TransportError,
)
from memlab.array import Array
from memlab.array.board_array import BoardArray
from memlab.array.urls import check_url, open_array, open_board
from memlab.errors import SettingError
from memlab.testing.boards.codes import CELLS, RESET, SET, Words, pulses

USED = [
    name for name, value in vars(Instrument).items() if inspect.isfunction(value) and name[0] != "_"
]


@pytest.fixture(params=["selectors", "none"])
def gates(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def plugged(gates: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[FakePyarc2, str]:
    return plug_in(monkeypatch, tmp_path, gates)


@pytest.fixture
def fake(plugged: tuple[FakePyarc2, str]) -> FakePyarc2:
    return plugged[0]


@pytest.fixture
def url(plugged: tuple[FakePyarc2, str]) -> str:
    return plugged[1]


@pytest.fixture
def array(url: str) -> Iterator[Array]:
    with open_array(f"{url}&passport=none") as array:
        yield array


def program(array: Array, gate: float = 1.6, **masks: np.ndarray) -> None:
    array.program(0.0 if array.board.capabilities.gate is None else gate, **masks)


class TestStandIn:
    @pytest.mark.parametrize("name", USED)
    def test_it_has_the_parameters_of_the_package(self, name: str) -> None:
        pyarc2 = pytest.importorskip("pyarc2", reason="pyarc2 has no wheel for this machine")
        theirs = inspect.signature(getattr(pyarc2.Instrument, name))
        ours = inspect.signature(getattr(Instrument, name))
        assert list(ours.parameters) == list(theirs.parameters)

    def test_the_package_has_the_names_that_are_used(self) -> None:
        pyarc2 = pytest.importorskip("pyarc2", reason="pyarc2 has no wheel for this machine")
        assert list(inspect.signature(pyarc2.Instrument.__init__).parameters) == [
            "self",
            "port",
            "firmware",
            "init",
        ]
        assert pyarc2.IdleMode.HardGnd
        assert pyarc2.DataMode.All
        assert pyarc2.ReadType.Current
        assert pyarc2.AuxDACFn.SELL
        assert pyarc2.AuxDACFn.SELH
        assert callable(pyarc2.find_ids)
        assert hasattr(pyarc2, "LIBARC2_VERSION")

    def test_its_dac_makes_of_every_voltage_the_code_that_it_was_made_of(self) -> None:
        codes = np.arange(0, 65536, 7)
        volts = arc2_board.DAC.decode(codes)
        assert [dac(one) for one in volts] == volts.tolist()
        assert dac(11.0) == dac(10.0) == 32767 * arc2_board.STEP


class TestOpening:
    def test_without_the_package_it_says_how_to_get_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(__import__("sys").modules, "pyarc2", None)
        firmware = tmp_path / "fw.bin"
        firmware.touch()
        with pytest.raises(TransportError, match=r"pip install 'memlab\[arc2\]'") as refused:
            open_board(f"arc2:?firmware={firmware}")
        assert "\n" not in str(refused.value)

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ("&gates=both", "none or selectors"),
            ("&timeout=0", "above 0"),
            ("&id=3", "there are: 0"),
            ("&mapping=nothing.toml", "no mapping"),
        ],
    )
    def test_wrong_arguments_open_nothing(
        self, fake: FakePyarc2, url: str, change: str, reason: str
    ) -> None:
        name = change[1 : change.index("=")]
        rest = "&".join(part for part in url.split("&") if not part.startswith(name))
        with pytest.raises((DeviceError, TransportError), match=reason):
            open_board(rest + change)
        assert not fake.instruments

    def test_with_the_package_and_without_an_instrument_it_says_so(self, tmp_path: Path) -> None:
        pytest.importorskip("pyarc2", reason="pyarc2 has no wheel for this machine")
        firmware = tmp_path / "fw.bin"
        firmware.touch()
        with pytest.raises(TransportError, match="no instrument"):
            open_board(f"arc2:?firmware={firmware}")

    def test_an_instrument_that_another_program_has_is_told(
        self, fake: FakePyarc2, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def busy(*_: object) -> None:
            raise fake.ArC2Error("FPGA Error: -5")

        monkeypatch.setattr(fake, "Instrument", busy)
        with pytest.raises(TransportError, match="no other program has it"):
            open_board(url)

    @pytest.mark.parametrize(
        ("wrong", "reason"),
        [
            ("arc2:", "firmware="),
            ("arc2:?firmware=x&gate=none", "did you mean gates"),
            ("arc2:?firmware=x&id=one", "whole number"),
            ("arc2:?firmware=x&timeout=nan", "number"),
            ("arc2://0?firmware=x", "unexpected"),
        ],
    )
    def test_wrong_options_are_told_in_one_line(self, wrong: str, reason: str) -> None:
        for use in (check_url, open_board):
            with pytest.raises(SettingError, match=reason) as refused:
                use(wrong)
            assert "\n" not in str(refused.value)

    def test_a_chip_has_one_user(self, url: str) -> None:
        with open_board(url), pytest.raises(InUseError):
            open_board(url)

    def test_without_a_chip_it_reads_and_does_not_pulse(self, fake: FakePyarc2, url: str) -> None:
        with open_board(re.sub("&chip=[^&]*", "", url)) as board:
            words = Words(board.capabilities)
            board.configure(words.config)
            assert board.read(CELLS, words.read).code.shape == (3, 4)
            with pytest.raises(DeviceError, match="chip=die-7"):
                board.pulse(pulses(board, (2, SET, [1], 1.0)))
        assert not fake.pulses

    def test_a_mapping_names_the_channels(self, tmp_path: Path) -> None:
        file = tmp_path / "map.toml"
        file.write_text("[mapping]\nwords = [16, 63, 17]\nbits = [15, 32]\n")
        rows, columns = arc2_board._read_mapping(str(file))
        assert (rows.tolist(), columns.tolist()) == ([15, 32], [16, 63, 17])
        for wrong in (
            "words = [16, 16]\nbits = [0]",
            "words = [64]\nbits = [0]",
            "words = [1]",
            "words = [true]\nbits = [0]",
            "words = [16.5]\nbits = [0]",
        ):
            file.write_text(f"[mapping]\n{wrong}\n")
            with pytest.raises(DeviceError, match="mapping"):
                arc2_board._read_mapping(str(file))
        file.write_text("[mapping]\nwords = [1]\nbits = [0]\n")
        with pytest.raises(DeviceError, match="cluster"):
            arc2_board._read_mapping(str(file))


class TestPulses:
    def test_each_cell_is_pulsed_once_and_no_other_channel_of_its_cluster(
        self, array: Array, fake: FakePyarc2
    ) -> None:
        mask = np.zeros(array.shape, bool)
        mask[[0, 0, 1, 20], [0, 3, 1, 31]] = True
        program(array, set=mask)
        program(array, set=np.zeros_like(mask), reset=mask)
        cells = [(row, j, volts) for row, columns, volts, _ in fake.pulses for j in columns]
        where = [tuple(cell) for cell in np.argwhere(mask).tolist()]
        for fired, amplitude in ((sorted(cells[:4]), 2.5), (sorted(cells[4:]), -1.7)):
            assert [(i, j) for i, j, _ in fired] == where
            # Without gates half of it on either side, each on a step of its own.
            np.testing.assert_allclose([v for *_, v in fired], amplitude, atol=arc2_board.STEP)
        assert {nanos for *_, nanos in fake.pulses} == {1000}

    def test_without_gates_no_other_cell_sees_more_than_half(
        self, array: Array, fake: FakePyarc2, gates: str
    ) -> None:
        program(array[2:5, 1:7])
        assert fake.largest_other == (0.0 if gates == "selectors" else 0.5)

    def test_a_voltage_that_the_library_would_clip_is_refused(self, array: Array) -> None:
        with pytest.raises(LimitError):
            array.board.capabilities.row.encode(10.0)

    @pytest.mark.parametrize("panics", [False, True])
    @pytest.mark.parametrize("call", ["execute", "config_channels"])
    def test_a_pulse_whose_sending_failed_is_unknown_and_not_sent_again(
        self, url: str, fake: FakePyarc2, call: str, panics: bool
    ) -> None:
        with open_board(url) as board:
            board.configure(Words(board.capabilities).config)
            batch = pulses(board, (2, SET, [1], 1.0), (3, RESET, [2], 5.0), (4, SET, [5], 1.0))
            ticket = board.ticket(batch)
            fake.failing, fake.panics = call, panics
            with pytest.raises(PulseOutcomeUnknown) as unknown:
                board.pulse(batch, ticket)
            assert unknown.value.cells == ((2, 1),)
            fate = board.fate(ticket)
            assert fate is not None
            assert fate.tolist() == [Outcome.UNKNOWN, Outcome.NOT_FIRED, Outcome.NOT_FIRED]
            assert fake.idle
            with pytest.raises(TransportError, match="open it again"):
                board.read(CELLS, Words(board.capabilities).read)
        assert len(fake.pulses) <= 1

    def test_pulses_before_the_failure_are_done(self, url: str, fake: FakePyarc2) -> None:
        with open_board(url) as board:
            board.configure(Words(board.capabilities).config)
            batch = pulses(board, (2, SET, [1], 1.0), (3, RESET, [2], 5.0))
            ticket = board.ticket(batch)
            fire, calls = board._fire, []

            def unplug(*arguments: object) -> None:
                fake.unplugged = bool(calls)
                calls.append(arguments)
                fire(*arguments)

            board._fire = unplug
            with pytest.raises(PulseOutcomeUnknown):
                board.pulse(batch, ticket)
            fate = board.fate(ticket)
        assert fate is not None
        assert fate.tolist() == [Outcome.DONE, Outcome.UNKNOWN]

    def test_what_an_earlier_program_left_open_is_unknown(self, url: str, fake: FakePyarc2) -> None:
        with open_board(url) as board:
            board.configure(Words(board.capabilities).config)
            batch = pulses(board, (2, SET, [1], 1.0))
            ticket = board.ticket(batch)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(board._record, "settled", lambda *_: None)  # killed before it knew
                board.pulse(batch, ticket)
        with open_board(url) as board:
            fate = board.fate(ticket)
        assert fate is not None
        assert fate.tolist() == [Outcome.UNKNOWN]


class TestExits:
    @pytest.mark.parametrize(
        "use",
        [
            lambda array: array.read_conductance(),
            lambda array: array.vmm(np.full((2, array.shape[0]), 0.1)),
            program,
            lambda array: array.ground(),
            lambda array: array.close(),
        ],
        ids=["read", "vmm", "program", "ground", "close"],
    )
    def test_every_channel_is_grounded_after_each_call(
        self, array: Array, fake: FakePyarc2, use: object
    ) -> None:
        assert fake.idle
        use(array[0:2, 0:3])  # type: ignore[operator]
        assert fake.idle
        assert not fake.instruments[0].queue

    @pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
    def test_an_exception_in_the_middle_grounds_too(
        self, array: Array, fake: FakePyarc2, monkeypatch: pytest.MonkeyPatch, error: type
    ) -> None:
        def broken(_: object, mode: object, rtype: object) -> None:
            raise error

        monkeypatch.setattr(fake.Instrument, "pick_one", broken)
        with pytest.raises((error, TransportError)):
            array.read_conductance()
        assert fake.idle

    def test_channels_are_grounded_also_when_the_selectors_fail(
        self, array: Array, fake: FakePyarc2, gates: str
    ) -> None:
        fake.grounded.clear()
        fake.failing, fake.panics = "config_selectors", True
        if gates == "selectors":
            with pytest.raises(TransportError, match="config_selectors"):
                array.ground()
        else:
            array.ground()
        assert fake.grounded == set(range(64))

    def test_an_instrument_that_stays_busy_is_given_up(
        self, array: Array, fake: FakePyarc2
    ) -> None:
        fake.unplugged = True
        with pytest.raises(TransportError):
            array.read_conductance()
        fake.unplugged, fake.stuck = False, True
        with pytest.raises(TransportError, match=r"busy for more than 0.05 s"):
            array.ground()

    def test_a_channel_without_a_reading_is_told(
        self, array: Array, fake: FakePyarc2, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(fake.Instrument, "pick_one", lambda *_: np.full(64, np.nan, np.float32))
        with pytest.raises(DeviceError, match="no reading"):
            array.read_conductance()


WAITS = """
import ctypes, sys, time
from pathlib import Path
import pytest
from support.arc2 import plug_in
from drivers import arc2_board
from memlab import open_array

patch = pytest.MonkeyPatch()
fake, url = plug_in(patch, Path(sys.argv[1]), "none")
arc2_board.GRACE = 0.5
array = open_array(f"{url}&passport=none")
array.read_conductance()
time.sleep(1.0)  # a reading that came leaves no deadline behind
print("alive", flush=True)
holding_the_interpreter = ctypes.PyDLL(None).sleep
fake.Instrument.pick_one = lambda *_: holding_the_interpreter(120)
array.read_conductance()
"""


@pytest.mark.skipif(os.name != "posix", reason="waits in the C library")
def test_a_program_that_waits_in_the_library_ends_after_a_deadline(tmp_path: Path) -> None:
    """Nothing else can be done: the library holds the interpreter while it waits."""
    begin = time.monotonic()
    run = subprocess.run(
        [sys.executable, "-c", WAITS, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=100.0,
        check=False,
    )
    assert time.monotonic() - begin < 90.0
    assert (run.returncode, run.stdout) == (1, "alive\n"), run.stderr
    assert "Timeout (0:00:00.5" in run.stderr
    assert "arc2_board.py" in run.stderr


def test_the_load_of_a_reading_is_that_of_all_lines_where_others_are_grounded(
    array: BoardArray, gates: str
) -> None:
    view = array[2:5, [1, 6]]
    if gates == "selectors":
        assert view.load.rows == (2, 3, 4)
        assert view.load.columns == (1, 6)
        return
    assert (len(view.load.rows), len(view.load.columns)) == array.shape
    assert view.under(array).load == view.load
    part = type(view.load)((2, 3, 4), (1, 6), array.shape)
    with pytest.raises(SettingError, match="one load"):
        view.under(part)


@pytest.mark.parametrize("gates", ["none"], indirect=True)
def test_the_command_line_tells_its_currents_in_amperes(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, said = in_process(capsys, "board", "info", "--board", url)
    assert code == 0, said
    lines = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert lines["clip"] == "10 mA"
    assert lines["gate"] == "none"
    assert lines["unselected"] == "grounded"
    assert lines["scheme"] == "V/2"
