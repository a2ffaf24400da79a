"""Two values that are each allowed, and together are not: refused before the chip sees a volt."""

import sys
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from runpy import run_path

import numpy as np
import pytest
from support.virtual_board import REPOSITORY, VirtualBoard
from support.watched_board import WatchedBoard

from drivers.board import BoardConfig
from memlab.array import Array
from memlab.array.board_array import BoardArray
from memlab.array.ideal import IdealArray
from memlab.array.urls import open_array, open_board
from memlab.chip.coupled_limits import (
    RULES,
    check_forming,
    check_program,
    check_vmm,
    largest_conductance,
    reset_currents,
    set_currents,
)
from memlab.chip.limits import Limits, OperatingPoint
from memlab.cli import main
from memlab.errors import LimitError

LIMITS = Limits()
ONE_CELL = (np.arange(64) == 5)[np.newaxis]


class Untouched(WatchedBoard):
    """A board that must only ever be configured and grounded."""

    def __init__(self) -> None:
        super().__init__(open_board("emulator:?chip=ideal"))

    def configure(self, config: BoardConfig) -> None:
        super().configure(config)
        self.reads.clear()

    @property
    def touched(self) -> bool:
        return bool(self.reads or self.vectors or self.pulses)


def on_board(limits: Limits | None = None, point: OperatingPoint | None = None) -> Array:
    return BoardArray(Untouched(), limits, point)


def ideal(limits: Limits | None = None, point: OperatingPoint | None = None) -> Array:
    return IdealArray(128, 64, limits, point)


both = pytest.mark.parametrize("make", [on_board, ideal])


def refused(array: Array, action: Callable[[Array], object], rule: str) -> str:
    """Return the refusal of an action, after checking that nothing was done."""
    with pytest.raises(LimitError, match=f"Nothing was sent. Rule: {rule}$") as error:
        action(array)
    if isinstance(array, BoardArray):
        assert isinstance(array.board, Untouched)
        assert not array.board.touched
    else:
        assert not array.read_conductance().any()
    assert (array.counts.set, array.counts.reset, array.counts.vmm) == (0, 0, 0)
    return str(error.value)


def test_the_largest_conductance_is_that_of_the_published_set_laws() -> None:
    # Li 2019: 98 uS/V Vg + 120 uS; Wang 2019: 182 uS/V Vg. They cross at 1.43 V.
    assert largest_conductance(1.0, LIMITS) == pytest.approx(218e-6)
    assert largest_conductance(2.5, LIMITS) == pytest.approx(455e-6)
    # A RESET opens the transistor with 5 V; the cell is still at most what a SET has left.
    assert largest_conductance(5.0, LIMITS) == pytest.approx(455e-6)


@both
def test_the_published_operation_passes_every_rule(make: Callable[..., Array]) -> None:
    # Experiments reference 1 and 2: SET 2.5 V with gates up to 2.5 V, RESET 1.7 V at 5 V.
    with make() as array:
        array.program(np.full((128, 64), 2.5), reset=np.ones((128, 64), bool))
        array[:2].vmm(np.full(2, 0.2))
        array.read_conductance()
        assert array.counts.set == array.counts.reset == 128 * 64


@both
def test_a_set_with_much_voltage_and_an_open_gate_is_refused(make: Callable[..., Array]) -> None:
    with make(point=OperatingPoint(set_voltage=3.0)) as array:
        text = refused(array, lambda a: a[3].program(2.4, set=ONE_CELL), "set current")
        # 3 V * 182 uS/V * 2.4 V = 1.31 mA.
        assert text.startswith(
            "row 3: SET of 3 V with 2.4 V on the gate for 1 us could drive 1.31 mA through cell "
            "[3, 5]; limits.cell_current allows 1.2 mA: "
        )
        array[3].program(2.1, set=ONE_CELL)  # 3 V * 382 uS = 1.15 mA


def test_the_cell_that_a_refusal_names_is_one_that_would_be_pulsed() -> None:
    every, lines = np.ones((3, 2), bool), (np.array([7, 9, 11]), np.array([20, 30]))
    gates = np.full((3, 2), 2.4)
    one, none = ~every, ~every
    one[2, 1] = True
    point = OperatingPoint(set_voltage=3.0)
    with pytest.raises(LimitError, match=r"^row 11: SET .* cell \[11, 30\]; .*set current$"):
        check_program(LIMITS, point, gates, none, one, *lines)
    gates[one] = 1.0
    check_program(LIMITS, point, gates, none, one, *lines)  # the others' gates do not count
    hungry = OperatingPoint(reset_voltage=3.0, reset_width=4.42e-6)
    one = ~every
    one[1, 0] = True
    with pytest.raises(LimitError, match=r"^row 9: RESET .*pulse energy$"):
        check_program(LIMITS, hungry, gates, one, none, *lines)
    check_program(LIMITS, hungry, gates, none, none, *lines)


def test_what_lies_on_a_limit_is_allowed_and_the_next_number_is_not() -> None:
    every, lines = np.ones((3, 2), bool), (np.arange(3), np.arange(2))
    point = OperatingPoint(set_voltage=2.25, set_width=2e-6, reset_voltage=1.5, reset_width=3e-6)
    set_conductance = largest_conductance(2.0, LIMITS)
    reset_conductance = largest_conductance(5.0, LIMITS)
    # 182 uS/V x 2 V, and x 2.5 V, the largest gate voltage of a SET.
    assert (set_conductance, reset_conductance) == pytest.approx((364e-6, 455e-6))
    set_, reset = ("set",), ("reset",)
    for name, most, kind in (
        ("cell_current", 2.25 * set_conductance, set_),
        ("pulse_energy", 2.25**2 * set_conductance * 2e-6, set_),
        ("set_row_current", 0.5 * set_conductance, set_),
        ("pulse_energy", 1.5**2 * reset_conductance * 3e-6, reset),
        ("reset_row_current", 1.5 * reset_conductance, reset),
    ):
        asked = [every if word in kind else ~every for word in ("reset", "set")]
        gates = np.full((3, 2), 2.0)
        limits = replace(LIMITS, **{name: most})
        check_program(limits, point, gates, *asked, *lines)
        limits = replace(LIMITS, **{name: np.nextafter(most, 0.0)})
        with pytest.raises(LimitError, match=rf"limits\.{name} allows"):
            check_program(limits, point, gates, *asked, *lines)
    largest = largest_conductance(2.5, LIMITS)
    limits = replace(LIMITS, read_voltage=0.5, row_current=0.25 * 7 * largest)
    check_vmm(limits, np.array([[-0.25, 0.125]]), 7)
    for voltage, columns in ((0.26, 7), (-0.26, 7), (0.25, 8)):
        with pytest.raises(LimitError, match=r"limits\.row_current allows"):
            check_vmm(limits, np.array([[0.0, voltage]]), columns)
    check_vmm(limits, np.zeros((0, 2)), 99)


@pytest.mark.parametrize(("read_voltage", "columns"), [(4.0, 5), (0.125, 200), (0.5, 40)])
def test_a_row_is_refused_by_voltage_and_columns_together(
    read_voltage: float, columns: int
) -> None:
    # 455 uS at 2.5 V on the gate. The limit lies just above and just below what a row may draw.
    current = read_voltage * columns * 182e-6 * 2.5
    vector = np.array([[0.0, -read_voltage]])
    for row_current in (1.001 * current, 0.999 * current):
        limits = replace(LIMITS, read_voltage=read_voltage, row_current=row_current)
        check_vmm(limits, 0.99 * vector, columns)
        if row_current > current:
            check_vmm(limits, vector, columns)
        else:
            with pytest.raises(LimitError, match="Rule: row current"):
                check_vmm(limits, vector, columns)


def test_currents_of_pulses_are_those_of_the_published_laws_where_selected() -> None:
    selected = np.array([[True, False, True], [True, True, False]])
    # 98 uS/V + 120 uS below 1.43 V, 182 uS/V above; no gate goes beyond 2.5 V. 0.5 V are left.
    gate = np.array([[1.0, np.nan, 2.0], [9.0, 0.0, 2.5]])
    expected = 0.5e-6 * np.array([[218.0, 0.0, 364.0], [455.0, 120.0, 0.0]])
    np.testing.assert_allclose(set_currents(LIMITS, gate, selected), expected, rtol=1e-12)
    point = OperatingPoint(reset_voltage=1.5, reset_gate_voltage=2.0)
    np.testing.assert_allclose(
        reset_currents(LIMITS, point, selected), 1.5 * 364e-6 * selected, rtol=1e-12
    )


@both
def test_a_long_pulse_with_much_voltage_is_refused(make: Callable[..., Array]) -> None:
    with make(point=OperatingPoint(set_voltage=3.0, set_width=4.42e-6)) as array:
        gates = np.full((128, 64), 1.0)
        gates[100, 63] = 2.15
        text = refused(array, lambda a: a.program(gates), "pulse energy")
        # 9 V^2 * 391.3 uS * 4.42 us = 15.57 nJ.
        assert "row 100: SET of 3 V with 2.15 V on the gate for 4.42 us could put 15.6 nJ" in text
        assert "cell [100, 63]" in text
        array.program(np.minimum(gates, 2.0))


def test_a_hungry_reset_is_refused_when_the_array_opens() -> None:
    point = OperatingPoint(reset_voltage=3.0, reset_width=4.42e-6)
    # 9 V^2 * 455 uS * 4.42 us = 18.1 nJ.
    for url in ("emulator:?chip=ideal", "ideal:"):
        with pytest.raises(LimitError, match=r"18\.1 nJ .*Rule: pulse energy"):
            open_array(url, point=point)
        with open_array(url, point=replace(point, reset_width=3e-6)) as array:
            array.reset_row(0)
    with open_array("emulator:?chip=ideal") as array:
        assert isinstance(array, BoardArray)
        with pytest.raises(LimitError, match="Rule: pulse energy"):
            array.with_operating_point(reset_voltage=3.0, reset_width=4.42e-6)


@both
def test_a_row_that_its_dac_cannot_drive_is_refused(make: Callable[..., Array]) -> None:
    limits = Limits(read_voltage=0.5)
    with make(limits) as array:
        # 0.35 V * 64 * 455 uS = 10.2 mA; the DAC drives 10 mA (board reference 1.5).
        text = refused(array, lambda a: a.vmm(np.full(128, -0.35)), "row current")
        assert "a row at 0.35 V with 64 columns" in text
        array.vmm(np.full(128, 0.34))
        array[:, :30].vmm(np.full(128, 0.5))
    with make(limits, OperatingPoint(read_voltage=0.5)) as array:
        with pytest.raises(LimitError, match="Rule: row current"):
            array.read_conductance()
        array[:, 40:].read_conductance()


@both
def test_other_limits_move_the_rules(make: Callable[..., Array]) -> None:
    limits = Limits(read_voltage=1.0, row_current=1.0, cell_current=2e-3, pulse_energy=1e-7)
    point = OperatingPoint(set_voltage=3.0, set_width=4.42e-6, reset_voltage=3.0)
    with make(limits, point) as array:
        array.program(2.5)
        array[:2].vmm(np.ones(2))


@pytest.mark.parametrize("gates", [1.7, [0.5, 2.0]])
def test_forming_needs_a_low_gate(gates: float | list[float]) -> None:
    check_forming(LIMITS, 1.6, 3.0)
    check_forming(LIMITS, np.zeros(0), 3.0)
    with pytest.raises(LimitError, match="Rule: forming gate"):
        check_forming(LIMITS, gates, 3.0)
    with pytest.raises(LimitError, match=r"limits\.set_voltage"):
        check_forming(LIMITS, 1.0, 3.5)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_has_a_limit_a_unit_and_a_reason(rule: object) -> None:
    assert rule.limit in {field.name for field in fields(Limits)}  # type: ignore[attr-defined]
    assert all(vars(rule).values())


@pytest.mark.parametrize("point", [OperatingPoint(read_voltage=0.3), OperatingPoint(set_width=9.0)])
def test_ideal_arrays_refuse_what_a_board_would_refuse(point: OperatingPoint) -> None:
    for url in ("ideal:", "emulator:?chip=ideal"):
        with pytest.raises(LimitError, match="outside"):
            open_array(url, point=point)


@both
@pytest.mark.parametrize(
    "action",
    [
        lambda a: a.vmm(np.full(128, 0.21)),
        lambda a: a.program(2.6),
        lambda a: a.program_row(0, -0.1),
        lambda a: a.program_row(0, np.nan),
    ],
)
def test_single_limits_are_the_same_on_both(
    make: Callable[..., Array], action: Callable[[Array], object]
) -> None:
    with make() as array, pytest.raises(LimitError, match=r"limits\."):
        action(array)


def test_command_line_and_script_are_refused_alike_and_the_chip_has_not_seen_a_volt(
    virtual_board: Callable[..., VirtualBoard],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    board = virtual_board("--pty", "--chip", "ideal", log=tmp_path / "pulses.jsonl")
    monkeypatch.chdir(tmp_path)
    script = str(REPOSITORY / "scripts" / "first_steps.py")
    coupled = ("--set", "point.reset_voltage=3", "--set", "point.reset_width=4.4e-6")
    budget = f"{board.url}?passport=chip.passport&budget.reset=0"
    for command, said in (
        (("memlab", "train", "airline", "--board", board.url, *coupled), "Rule: pulse energy"),
        ((script, "--board", budget), "memlab chip budget"),
        # On a board this script would RESET its row before it asks for too much on the gate.
        ((script, "--board", "ideal:", "--gate", "2.6"), "limits.set_gate_voltage"),
    ):
        monkeypatch.setattr(sys, "argv", list(command))
        with pytest.raises(SystemExit) as ended:
            main() if command[0] == "memlab" else run_path(script, run_name="__main__")
        refusal = capsys.readouterr().err
        assert ended.value.code == 4, refusal
        assert said in refusal
        assert "\n" not in refusal.rstrip()
    assert not [event for event in board.events() if event["event"] == "pulse"]
