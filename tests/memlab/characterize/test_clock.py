"""Times of a run on a real board: nobody who sets the computer's clock moves them."""

import logging
from pathlib import Path

import numpy as np
import pytest
from support.virtual_board import VirtualBoard

from memlab.characterize import plan_procedures, run_procedures
from memlab.characterize.clock import Instant, RunClock
from memlab.regions import Region
from memlab.runs import read_attributes, read_record


class Computer:
    """Two clocks and a life, all in the hands of the test."""

    def __init__(self) -> None:
        self.wall, self.steady, self.host = 1.8e9, 500.0, "first life"

    def __call__(self) -> Instant:
        return Instant(self.wall, self.steady, self.host)

    def pass_time(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


def test_within_a_process_a_set_clock_changes_nothing() -> None:
    computer = Computer()
    clock = RunClock(computer.wall, computer(), read=computer)
    computer.pass_time(3.0)
    computer.wall += 1000.0
    assert clock() == pytest.approx(3.0)
    computer.wall -= 5000.0
    computer.pass_time(4.0)
    assert clock() == pytest.approx(7.0)


@pytest.mark.parametrize("by", [1000.0, -1000.0, -3.0])
def test_across_processes_a_set_clock_is_found_and_said(
    by: float, caplog: pytest.LogCaptureFixture
) -> None:
    computer = Computer()
    began = computer()
    computer.pass_time(60.0)
    computer.wall += by
    clock = RunClock(began.wall, began, last=50.0, read=computer)
    computer.pass_time(2.0)
    assert clock() == pytest.approx(62.0)
    assert clock.step == pytest.approx(by)
    assert f"{by:+.1f} s" in caplog.text


def test_a_clock_that_runs_on_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    computer = Computer()
    began = computer()
    computer.pass_time(86400.0)
    computer.wall += 5.0  # a wall clock that NTP has slewed: 60 ppm
    clock = RunClock(began.wall, began, last=50.0, read=computer)
    assert clock() == pytest.approx(86400.0)
    assert clock.step == 0.0
    assert not caplog.records


def test_after_a_restart_only_the_wall_clock_is_left(caplog: pytest.LogCaptureFixture) -> None:
    computer = Computer()
    began = computer()
    computer.pass_time(600.0)
    computer.steady, computer.host = 20.0, "second life"
    clock = RunClock(began.wall, began, last=50.0, read=computer)
    assert clock() == pytest.approx(600.0)
    assert not caplog.records
    computer.wall -= 580.0  # 20 s after the beginning, which is before the last reading
    clock = RunClock(began.wall, began, last=50.0, read=computer)
    assert clock() == pytest.approx(50.0)
    assert clock.step == pytest.approx(-30.0)
    assert "set back" in caplog.text


def test_a_file_of_before_has_the_wall_clock_alone() -> None:
    computer = Computer()
    assert Instant.of_attributes({"clock_origin": 3.0}) is None
    assert Instant.of_attributes(computer().attributes()) == computer()
    computer.pass_time(9.0)
    assert RunClock(computer.wall - 9.0, None, read=computer)() == pytest.approx(9.0)


def test_the_clocks_of_this_computer_go_on() -> None:
    first, second = Instant.now(), Instant.now()
    assert second.steady >= first.steady
    assert second.host == first.host


def test_retention_on_a_board_keeps_its_ages_when_the_clock_is_set(
    virtual_board: "type[VirtualBoard]",
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The wall clock steps by 1000 s before each reading but the first."""
    import time

    board = virtual_board("--pty", "--chip", "ideal", "--seed", "3")
    true, asked = time.time, []

    def stepping() -> float:
        asked.append(0)
        return true() + 1000.0 * len(asked)

    monkeypatch.setattr(time, "time", stepping)
    out = tmp_path / "retention.h5"
    settings = ("duration=0.8", "first=0.1")
    plans = plan_procedures(["retention"], board=board.url, settings=settings, out=out)
    with caplog.at_level(logging.WARNING, "memlab.clock"):
        run_procedures(plans, board.url, Region(rows="0:2", columns="2:5"), figure=False)
    times = read_record(out).readings.coordinate("time")
    assert len(times) == 5
    ages = times - times[0]
    # Never early; how late depends on the machine.
    assert (ages[1:] >= [0.1, 0.2, 0.4, 0.8]).all()
    assert ages[-1] < 900.0
    assert (np.diff(times) > 0).all()
    assert read_attributes(out)["status"] == "finished"
