"""Two source-meter channels and a matrix: the exact dialogue, also through PyVISA-sim."""

import re
from pathlib import Path

import numpy as np
import pytest
from support.arc2 import new_chip
from support.bench import LIMITS, POINT, set_up, write_wiring
from support.command import in_process
from support.virtual_bench import ID_MATRIX, ID_SMU, Bench

from drivers.board import BoardConfig, Outcome, PulseBatch, Selection
from drivers.errors import DeviceError, PulseOutcomeUnknown, TransportError
from drivers.smu_matrix import SmuMatrixBoard, read_wiring
from memlab.array.board_array import BoardArray
from memlab.array.urls import open_array, open_board
from memlab.chip.limit_changes import read_limits
from memlab.chip.limits import OperatingPoint
from memlab.errors import LimitError, SaturationWarning, SettingError
from memlab.testing.boards.codes import RESET, SET, Words, pulses

ONE = Selection(np.array([0]), np.array([0]))
OK = "0.000000000e+00"
SET_UP = [
    ("smua.reset() smub.reset() errorqueue.clear() format.asciiprecision = 10", None),
    ("errorqueue.clear() channel.connectrule = channel.BREAK_BEFORE_MAKE", None),
]
IDLE = [
    (
        "smua.source.levelv = 0 smua.source.output = smua.OUTPUT_OFF smub.source.levelv = 0 "
        "smub.source.output = smub.OUTPUT_OFF print(errorqueue.count)",
        OK,
    ),
    ('channel.exclusiveclose("1C01,1C02") print(errorqueue.count)', OK),
]


def on(limit: str, most: str) -> list[tuple[str, str | None]]:
    lines = [
        f"{smu}.source.func = {smu}.OUTPUT_DCVOLTS {smu}.source.levelv = 0 "
        f"{smu}.source.rangev = {most} {smu}.source.limiti = {limit} "
        f"{smu}.measure.autorangei = {smu}.AUTORANGE_ON {smu}.source.output = {smu}.OUTPUT_ON"
        for smu in ("smua", "smub")
    ]
    return [*((line, None) for line in lines), ("print(errorqueue.count)", OK)]


CELL = ('channel.exclusiveclose("1A01,1B02") print(errorqueue.count)', OK)
READ = [
    *on("1.0000000e-02", "2.0000000e-01"),
    CELL,
    (
        "smua.source.levelv = 2.0000000e-01 delay(0.001) i = smub.measure.i() "
        "c = smua.source.compliance or smub.source.compliance smua.source.levelv = 0 "
        "print(errorqueue.count, i, c)",
        f"{OK}\t-2.000000000e-05\tfalse",
    ),
]
FIRE_SET = [
    *on("2.0000000e-04", "1.2500000e+00"),
    CELL,
    (
        "smua.source.levelv = -1.2500000e+00 smub.source.levelv = 1.2500000e+00 delay(0.0010) "
        "smua.source.levelv = 0 smub.source.levelv = 0 print(errorqueue.count)",
        OK,
    ),
]
DIALOGUE = [*SET_UP, *IDLE, *IDLE, *READ, *IDLE, *FIRE_SET, *IDLE, *IDLE]
"""Opening, configuring, a reading, a SET, closing."""


class Script:
    """Both sessions: they expect these lines in this order; an answer of None is a command."""

    def __init__(self) -> None:
        self.left = list(DIALOGUE)

    def write(self, message: str) -> None:
        assert (message, None) == self.left.pop(0)

    def query(self, message: str) -> str:
        expected, answer = self.left.pop(0)
        assert message == expected
        assert answer is not None
        return answer

    def close(self) -> None:
        assert not self.left


def one_pulse(board: SmuMatrixBoard) -> PulseBatch:
    words = Words(board.capabilities)
    return PulseBatch(
        row=np.zeros(1, np.uint16),
        kind=np.array([SET], np.uint8),
        amplitude_code=np.array([words.amplitude(SET)], np.int32),
        width_ticks=np.zeros(1, np.uint16),
        columns=np.ones((1, 1), bool),
        gate_code=np.zeros((1, 1), np.uint16),
    )


def short_of(board: SmuMatrixBoard, compliance: float) -> BoardConfig:
    config = Words(board.capabilities).config
    return BoardConfig(config.spans, config.limits, 0, 0, 0, 5, compliance=compliance)


def use(board: SmuMatrixBoard) -> np.ndarray:
    board.configure(short_of(board, 2e-4))
    code = board.read(ONE, Words(board.capabilities).read).code
    board.pulse(one_pulse(board))
    board.close()
    return code


def test_the_dialogue_is_this(tmp_path: Path) -> None:
    script, wiring = Script(), write_wiring(tmp_path / "bench.toml", 1, 1)
    board = SmuMatrixBoard(wiring, script, ID_SMU, script, ID_MATRIX, new_chip())
    assert use(board).tolist() == [[-20_000_000]]  # pA; into channel B
    assert not script.left


def test_it_is_spoken_through_visa_too(tmp_path: Path) -> None:
    file = tmp_path / "bench.toml"
    write_wiring(file, 1, 1)
    text = file.read_text().replace('"SMU"', '"GPIB0::26::INSTR"')
    file.write_text(text.replace('"MATRIX"', '"GPIB0::16::INSTR"'))
    devices = []
    for name, identity in (("smu", ID_SMU), ("matrix", ID_MATRIX)):
        lines = dict(DIALOGUE) | {"*IDN?": identity}
        dialogues = "".join(
            f"      - q: {q!r}\n"
            + ("" if r is None else f'        r: "{r}"\n'.replace("\t", "\\t"))
            for q, r in lines.items()
        )
        dialogues = dialogues.replace("\t", "\\t")
        devices.append(
            f"  {name}:\n    eom:\n      GPIB INSTR:\n        q: '\\n'\n        r: '\\n'\n"
            f"    error: ERROR\n    dialogues:\n{dialogues}"
        )
    bench = tmp_path / "bench.yaml"
    bench.write_text(
        f'spec: "1.1"\ndevices:\n{"".join(devices)}resources:\n'
        "  GPIB0::26::INSTR:\n    device: smu\n  GPIB0::16::INSTR:\n    device: matrix\n"
    )
    url = f"smu-matrix:?wiring={file}&chip={new_chip()}&backend={bench}@sim"
    assert use(open_board(url)).tolist() == [[-20_000_000]]
    file.write_text(text.replace('"MATRIX"', '"GPIB0::26::INSTR"'))
    with pytest.raises(DeviceError, match="here belongs a Keithley 707B"):
        open_board(url)


@pytest.fixture
def bench_and_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Bench, str]:
    return set_up(monkeypatch, tmp_path)


@pytest.fixture
def bench(bench_and_url: tuple[Bench, str]) -> Bench:
    return bench_and_url[0]


@pytest.fixture
def url(bench_and_url: tuple[Bench, str]) -> str:
    return bench_and_url[1]


def opened(url: str, **changes: float) -> BoardArray:
    array = open_array(f"{url}&passport=none", limits=LIMITS.changed(**changes), point=POINT)
    assert isinstance(array, BoardArray)
    return array


def test_pulses_are_halves_of_their_widths_held_to_the_compliance(bench: Bench, url: str) -> None:
    with opened(url) as array:
        mask = np.eye(5, 7, dtype=bool)
        array.program(0.0, reset=mask, set=mask)
    first, second = bench.pulses[:5], bench.pulses[5:]
    assert first == [(k, k, -1.7, 2e-3, 0.1) for k in range(5)]
    assert second == [(k, k, 2.5, 1e-3, 1.2e-3) for k in range(5)]
    assert not bench.switched_while_driven


def test_default_limits_are_of_faster_boards_and_refused(url: str) -> None:
    with pytest.raises(LimitError, match="minimum_width"):
        open_array(f"{url}&passport=none")
    with pytest.raises(LimitError, match="cell_current"):
        opened(url, cell_current=1e-7)


def test_a_product_reads_each_cell_once_at_each_voltage(bench: Bench, url: str) -> None:
    with opened(url) as array:
        array.program(0.0)
        read: list[None] = []
        measure = array.board._measure  # type: ignore[attr-defined]
        array.board._measure = lambda code: (read.append(None), measure(code))[1]
        current = array.vmm([[0.1, 0.0, 0.1, 0.2, 0.0], [0.1, 0.0, -0.1, 0.2, 0.0]])
    assert len(read) == (1 + 2 + 1) * 7
    np.testing.assert_allclose(current[0] - current[1], 0.2 * 276.8e-6, rtol=1e-2)


def test_a_cell_that_draws_the_limit_is_saturated(bench: Bench, url: str) -> None:
    with opened(url) as array:
        array.program(0.0)
        bench._tell = lambda: f"{OK}\t-1.000000000e-02\ttrue"
        bench.smu.commands = [
            (pattern, bench._tell if "i, c" in pattern else act)
            for pattern, act in bench.smu.commands
        ]
        with pytest.warns(SaturationWarning):
            assert array.measure_conductance().saturated.all()


def test_limits_of_both_signs_do_not_cancel_in_a_product(bench: Bench, url: str) -> None:
    with opened(url) as array:
        most = array.board.capabilities.sense.codes.maximum
        array.board._measure = lambda code: (
            int(-np.sign(code)) * (most if abs(code) > 150_000 else 1_000)
        )
        with pytest.warns(SaturationWarning):
            found = array.measure_vmm([[0.2, -0.2, 0.1, 0.0, 0.0], [0.1, -0.1, 0.1, 0.0, 0.0]])
    assert found.saturated[0].all()
    assert not found.saturated[1].any()


@pytest.mark.parametrize("which", ["smu", "matrix"])
def test_a_pulse_without_an_answer_is_unknown_and_both_are_told_to_ground(
    bench: Bench, url: str, which: str
) -> None:
    with open_board(url) as board:
        board.configure(Words(board.capabilities).config)
        batch = pulses(board, (2, SET, [1], 0.0), (3, RESET, [2], 0.0), (4, SET, [5], 0.0))
        ticket = board.ticket(batch)
        fire, calls = board._fire, []  # type: ignore[attr-defined]

        def unplug(*arguments: object) -> None:
            getattr(bench, which).dead = bool(calls)
            calls.append(arguments)
            fire(*arguments)

        board._fire = unplug  # type: ignore[attr-defined]
        with pytest.raises(PulseOutcomeUnknown) as unknown:
            board.pulse(batch, ticket)
        assert unknown.value.cells == ((3, 2),)
        fate = board.fate(ticket)
        assert fate is not None
        assert fate.tolist() == [Outcome.DONE, Outcome.UNKNOWN, Outcome.NOT_FIRED]
        if which == "smu":
            assert set(bench.bus.values()) == {"C"}
        else:
            assert not any(bench.on.values())
        getattr(bench, which).dead = False
    assert bench.idle


def test_an_instrument_that_refuses_says_why(bench: Bench, url: str) -> None:
    with open_board(url) as board:
        board.configure(Words(board.capabilities).config)
        bench.smu.errors = 1
        with pytest.raises(DeviceError, match="-285"):
            board.read(ONE, Words(board.capabilities).read)
        with pytest.raises(DeviceError, match="compliance"):
            board.configure(short_of(board, 1.0))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "use",
    [
        lambda array: array.read_conductance(),
        lambda array: array.vmm(np.full(5, 0.1)),
        lambda array: array.program(0.0),
        lambda array: array.ground(),
        lambda array: array.close(),
    ],
    ids=["read", "vmm", "program", "ground", "close"],
)
def test_everything_is_grounded_after_each_call(bench: Bench, url: str, use: object) -> None:
    with opened(url) as array:
        assert bench.idle
        use(array)  # type: ignore[operator]
        assert bench.idle
    assert bench.smu.closed
    assert bench.matrix.closed


def test_an_interrupt_in_the_middle_grounds_too(bench: Bench, url: str) -> None:
    with opened(url) as array:

        def broken(code: int) -> int:
            raise KeyboardInterrupt

        array.board._measure = broken  # type: ignore[attr-defined]
        with pytest.raises(KeyboardInterrupt):
            array.read_conductance()
        assert bench.idle


def test_without_a_chip_it_reads_and_does_not_pulse(bench: Bench, url: str) -> None:
    with open_board(re.sub("&chip=[^&]*", "", url)) as board:
        board.configure(Words(board.capabilities).config)
        assert board.read(ONE, Words(board.capabilities).read).code.shape == (1, 1)
        with pytest.raises(DeviceError, match="chip=die-7"):
            board.pulse(pulses(board, (2, SET, [1], 0.0)))
    assert not bench.pulses


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('ground = "C"', 'ground = "A"', "two things"),
        ('"1{}01"', '"1A01"', "one {}"),
        ('"1{}02"', '"1{}01"', "two things"),
        ('sense = "B"\n', "", "no wiring"),
        ("rows = [", "rows = [[", "no wiring"),
        ('smu = "SMU"', 'smu = "SMU"\nother = 1', "no wiring"),
    ],
)
def test_a_wrong_wiring_is_told(tmp_path: Path, old: str, new: str, reason: str) -> None:
    file = tmp_path / "bench.toml"
    write_wiring(file)
    file.write_text(file.read_text().replace("'", '"').replace(old, new, 1))
    with pytest.raises(ValueError, match=reason) as refused:
        read_wiring(str(file))
    assert "__init__" not in str(refused.value)


def test_options_and_absent_instruments_are_told_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "bench.toml"
    write_wiring(file)
    with pytest.raises(SettingError, match="wiring="):
        open_board("smu-matrix:")
    (tmp_path / "empty.yaml").write_text('spec: "1.1"\ndevices: {}\nresources: {}\n')
    with pytest.raises(TransportError, match="check"):
        open_board(f"smu-matrix:?wiring={file}&backend={tmp_path / 'empty.yaml'}@sim")


def test_commands_work_where_limits_say_that_pulses_are_slow(
    bench: Bench, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slow = tmp_path / "slow.toml"
    text = "minimum_width = 2e-3\nmaximum_width = 1e-2\npulse_energy = 2e-5\n"
    slow.write_text(f"[limits]\n{text}")
    place = ["--board", f"{url}&passport=none", "--limits", str(slow)]
    assert in_process(capsys, "board", "info", "--board", url)[0] == 0
    code, out, said = in_process(
        capsys, "read", *place, "--rows", "0:2", "--out", str(tmp_path / "map.npy"), "--json"
    )
    assert code == 0, said
    with open_array(f"{url}&passport=none", limits=read_limits(slow)) as array:
        assert array.operating_point == OperatingPoint(set_width=2e-3, reset_width=2e-3)
        array.program(0.0)
    assert {seconds for *_, seconds, _ in bench.pulses} == {2e-3}
    assert np.isfinite(np.load(tmp_path / "map.npy")[:2]).all()
    assert out


def test_a_bench_that_another_program_hangs_in_can_be_grounded(
    bench: Bench, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_board(url):
        bench.level["smua"], bench.on["smua"], bench.bus = 0.2, True, {}
        code, out, said = in_process(capsys, "board", "ground", "--board", url)
        assert code == 0, said
        assert "every line is grounded" in out
        assert bench.idle
