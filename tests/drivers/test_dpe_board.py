"""`DpeBoard` on a virtual published board: limits are refused, silence is told apart."""

import socket
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from support.board_config import CONFIG

from drivers.board import Outcome, PulseBatch, PulseKind, Selection
from drivers.dpe_board import DpeBoard
from drivers.dpe_format import grid_volts, pulse_groups
from drivers.errors import DeviceError, LimitError, PulseOutcomeUnknown, TransportError
from drivers.published_board import Span
from drivers.tickets import Batch, entries_of
from drivers.transport import Transport, open_port
from memlab import OperatingPoint, open_array
from memlab.array.board_array import BoardArray
from memlab.emulator import EmulatedBoard, load_preset
from memlab.errors import SettingError
from memlab.testing import ServedBoard
from memlab.virtual_board import Fired


def address(server: ServedBoard) -> str:
    return f"dpe+{server.url}?chip={server.serial}&line_pause=0"


@pytest.fixture
def server() -> Iterator[ServedBoard]:
    with ServedBoard(EmulatedBoard(load_preset("ideal"), 0), dialect="dpe") as running:
        yield running


@pytest.fixture
def array(server: ServedBoard) -> Iterator[BoardArray]:
    with open_array(address(server)) as opened:
        assert isinstance(opened, BoardArray)
        yield opened


def test_the_steps_are_capabilities(array: BoardArray) -> None:
    assert (array.gate_voltage_step, array.input_voltage_step) == (0.01, 0.0001)
    described = array.describe()
    assert described["board"]["gate_voltage_step"] == 0.01
    assert described["rounding"] is False


def test_voltages_between_the_steps_are_refused_and_nothing_is_pulsed(array: BoardArray) -> None:
    with pytest.raises(LimitError, match=r"gate voltage 1.005 V.* steps of 0.01 V.*Nothing"):
        array.program_row(3, 1.005)
    with pytest.raises(LimitError, match=r"row voltage 0.12345 V.* steps of 0.0001 V"):
        array.vmm(np.full(128, 0.12345))
    assert array.read_conductance().max() == 0.0
    array.program_row(3, 1.01)
    assert array.read_conductance()[3].min() > 1e-4


def test_rounding_is_done_where_it_was_asked_for_and_is_recorded(server: ServedBoard) -> None:
    with open_array(f"{address(server)}&rounding=nearest") as array:
        array.program_row(3, 1.004)
        by_rounding = array.read_conductance()[3]
        array.reset_row(3)
        array.program_row(3, 1.00)
        np.testing.assert_array_equal(by_rounding, array.read_conductance()[3])
        assert array.describe()["rounding"] is True


def test_an_operating_point_between_the_steps_is_refused(server: ServedBoard) -> None:
    url = address(server)
    with pytest.raises(LimitError, match="read gate voltage"):
        open_array(url, point=OperatingPoint(read_gate_voltage=4.995))
    with open_array(url, point=OperatingPoint(reset_voltage=1.705)) as array:
        with pytest.raises(LimitError, match="RESET amplitude"):
            array.reset_row(0)
        assert isinstance(array, BoardArray)
        view = array.with_operating_point(read_voltage=0.125)
        with pytest.raises(LimitError, match="read voltage"):
            view.read_conductance()


def test_zero_volts_on_a_selected_cell_is_refused_because_the_board_would_skip_it(
    array: BoardArray,
) -> None:
    gate = np.full(64, 1.0)
    gate[5] = 0.0
    with pytest.raises(LimitError, match="skip this cell"):
        array.program_row(3, gate)
    array.program_row(3, gate, columns=gate > 0)
    assert np.count_nonzero(array.read_conductance()) == 63


def test_products_are_those_of_the_conductances_that_were_read(array: BoardArray) -> None:
    rng = np.random.default_rng(0)
    array.program(np.round(rng.uniform(0.7, 1.6, (128, 64)), 2), reset=rng.random((128, 64)) < 0.5)
    voltage = np.round(rng.uniform(-0.01, 0.01, (5, 128)), 4)
    for gain in (0, 1, 2):
        conductance = array.read_conductance()
        current = array.vmm(voltage, gain=gain)
        # Half a code of the gain, and the 76 uV by which a DAC may miss each of 128 voltages.
        allowed = 0.5 * 152.6e-9 / (1 if gain == 1 else 10) + 128 * 76.3e-6 * 277e-6
        assert np.abs(current - voltage @ conductance).max() < allowed
    view = array[[100, 3, 70], [60, 2]]
    np.testing.assert_array_equal(
        view.read_conductance(), array.read_conductance()[np.ix_([100, 3, 70], [60, 2])]
    )


def test_automatic_gain_merges_two_gains_as_published_or_all_four(server: ServedBoard) -> None:
    for auto_gain in (2, 4):
        with open_array(f"{address(server)}&auto_gain={auto_gain}") as array:
            array.program(
                1.0, reset=np.ones((128, 64), bool), set=np.arange(8192).reshape(128, 64) % 2 == 0
            )
            gain = array.measure_conductance().gain
            assert gain is not None
            assert gain.max() == auto_gain
            assert (gain[:, 0] == 2).all()


def test_codes_become_text_only_where_they_come_back_as_the_same_code() -> None:
    row = np.arange(65536)
    volts = grid_volts(row, Span.BIPOLAR_5, 4, "input")
    np.testing.assert_array_equal(
        Span.BIPOLAR_5.encode(np.minimum(volts, 4.9998)), np.minimum(row, 65535)
    )
    good = Span.UNIPOLAR_10.encode(np.arange(0, 501) / 100)
    np.testing.assert_allclose(grid_volts(good, Span.UNIPOLAR_10, 2, "gate"), np.arange(501) / 100)
    with pytest.raises(LimitError, match=r"0\.80 or 0\.81 V"):
        grid_volts(good[80] + 7, Span.UNIPOLAR_10, 2, "gate")
    with pytest.raises(LimitError):
        grid_volts(np.arange(100), Span.BIPOLAR_2_5, 4, "input")


def test_pulses_share_a_command_only_where_their_order_is_kept() -> None:
    rows = [1, 5, 70, 71, 3, 3, 4, 9]
    kinds = [PulseKind.SET] * 7 + [PulseKind.RESET]
    n = len(rows)
    columns = np.zeros((n, 64), bool)
    columns[:, 7] = True
    batch = PulseBatch(
        row=np.array(rows, np.uint8),
        kind=np.array(kinds, np.uint8),
        amplitude_code=np.full(n, 49152, np.uint16),
        width_ticks=np.full(n, 202, np.uint16),
        columns=columns,
        gate_code=np.full((n, 64), 6554, np.uint16),
    )
    groups = pulse_groups(batch, CONFIG)
    assert [(g.first, g.count, g.program.half, g.program.reset) for g in groups] == [
        (0, 2, 0, False),
        (2, 2, 1, False),
        (4, 1, 0, False),
        (5, 2, 0, False),
        (7, 1, 0, True),
    ]
    assert np.argwhere(groups[0].program.drive_voltage).tolist() == [[1, 7], [5, 7]]


class Deaf:
    """A line that stops carrying the board's words after `heard` bytes of a request."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.deaf = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def read(self, timeout: float) -> bytes:
        data = self._inner.read(min(timeout, 0.05))
        return b"" if self.deaf and b"Reset" in data else data


def test_a_pulse_without_an_answer_is_unknown_and_is_not_sent_again(server: ServedBoard) -> None:
    lines: list[Deaf] = []

    def opener() -> Transport:
        lines.append(Deaf(open_port(server.url, 115200)))
        return lines[-1]

    with BoardArray(
        DpeBoard(opener, "dpe", timeout=0.3, line_pause=0.0, chip=server.serial)
    ) as array:
        lines[-1].deaf = True
        with pytest.raises(PulseOutcomeUnknown, match="3 may or may not") as caught:
            array[[2, 3, 4], [7, 8]].program(1.0)
        assert caught.value.done == 0
        assert caught.value.cells == tuple((row, column) for row in (2, 3, 4) for column in (7, 8))
        assert len(server.events) > 0
        lines[-1].deaf = False
        assert np.count_nonzero(array.read_conductance()) == 6, "it was fired: reading tells"


def test_a_silent_port_is_a_transport_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"dpe+socket://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(TransportError, match="no `go` came"):
            open_array(url)


def test_a_selection_of_both_halves_is_read_in_two_commands(array: BoardArray) -> None:
    array.program(1.0)
    samples = array.board.read(Selection(np.array([0, 63, 64, 127]), np.array([0, 63])), 34079, 2)
    assert samples.code.shape == (4, 2)
    assert len(np.unique(samples.code)) == 1


def test_without_a_chip_name_it_is_read_and_not_pulsed(server: ServedBoard) -> None:
    with open_array(f"dpe+{server.url}?line_pause=0") as array:
        assert array.passport is None
        assert array[:3, :5].read_conductance().shape == (3, 5)
        with pytest.raises(DeviceError, match=r"\?chip=die-7") as refused:
            array.program_row(3, 1.0)
        assert "\n" not in str(refused.value)
        with pytest.raises(DeviceError, match="no serial number"):
            array.board.ticket(row_pulses(1))
    assert not any(isinstance(event, Fired) for event in server.events)


@pytest.mark.parametrize("name", ["", "a b", "../x", "-x", "x" * 65])
def test_a_chip_name_is_a_file_name_everywhere(name: str) -> None:
    with pytest.raises(SettingError, match="for example chip=die-7"):
        open_array(f"dpe+serial:///dev/nothing?chip={name}")


def test_a_lost_answer_is_unknown_in_every_later_program(server: ServedBoard) -> None:
    lines: list[Deaf] = []

    def opener() -> Transport:
        lines.append(Deaf(open_port(server.url, 115200)))
        return lines[-1]

    def opened() -> DpeBoard:
        return DpeBoard(opener, "dpe", timeout=0.3, line_pause=0.0, chip=server.serial)

    pulses = row_pulses(70)  # two commands, as rows of both halves are pulsed
    with opened() as board:
        board.configure(CONFIG)
        board.pulse(pulses, "run/0")
        lines[-1].deaf = True
        with pytest.raises(PulseOutcomeUnknown):
            board.pulse(pulses, "run/1")
    with opened() as board:
        assert board.fate("run/0").tolist() == [Outcome.DONE] * 70
        expected = [Outcome.UNKNOWN] * 64 + [Outcome.NOT_FIRED] * 6
        assert board.fate("run/1").tolist() == expected


def test_what_a_killed_program_left_open_is_unknown(server: ServedBoard) -> None:
    def opened() -> DpeBoard:
        return DpeBoard(
            lambda: open_port(server.url, 115200), "dpe", line_pause=0.0, chip=server.serial
        )

    with opened() as board:
        board._tickets.sent(1, Batch("run/0", 2), 0, entries_of(*np.zeros((3, 2), np.uint64)))
    with opened() as board:
        assert board.fate("run/0").tolist() == [Outcome.UNKNOWN] * 2


def row_pulses(n: int) -> PulseBatch:
    columns = np.zeros((n, 64), bool)
    columns[:, 3] = True
    return PulseBatch(
        row=np.arange(n, dtype=np.uint16),
        kind=np.zeros(n, np.uint8),
        amplitude_code=np.full(n, 49152, np.uint16),
        width_ticks=np.full(n, 202, np.uint16),
        columns=columns,
        gate_code=np.where(columns, 6554, 0).astype(np.uint16),
    )
