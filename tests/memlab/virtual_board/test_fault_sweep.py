"""Over a bad cable nothing fires twice, nothing is misreported, and no code changes."""

import numpy as np
import pytest
from support.blocking_host import BlockingHost
from support.careless_link import CarelessLink
from support.faults import FaultProxy
from support.simulated import (
    CONFIG,
    random_pulses,
    read_request,
    row_entries,
    wire_configuration,
)
from support.sweep import Sweep

from drivers.board import Selection
from drivers.faults.line import KINDS, FaultyLine
from firmware_protocol.operations import Job, Read
from memlab.emulator import EmulatedBoard, load_preset
from memlab.testing import ServedBoard
from memlab.virtual_board import Fired

PATIENT = {"tries": 10, "watchdog": 5.0}
"""At one fault in 100 bytes hardly a session lives for a second."""


def carry(line: FaultyLine, data: bytes, cuts: int) -> list[tuple[float, bytes]]:
    pieces = np.array_split(np.frombuffer(data, np.uint8), cuts)
    for piece in pieces:
        line.feed(piece.tobytes(), 0.0)
    out: list[tuple[float, bytes]] = []
    while (when := line.next_time()) is not None:
        out.append((when, line.take(when)))
    return out


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_depends_on_the_byte_number_alone(kind: str) -> None:
    data = np.random.default_rng(0).integers(0, 256, 20000, dtype=np.uint8).tobytes()
    whole = carry(FaultyLine(3, 1e-3, (kind,)), data, 1)
    assert carry(FaultyLine(3, 1e-3, (kind,)), data, 777) == whole
    assert carry(FaultyLine(4, 1e-3, (kind,)), data, 1) != whole
    assert (b"".join(piece for _, piece in whole) == data) == (kind in ("delay", "stall"))


def test_faults_are_as_frequent_as_asked_and_a_rate_of_0_is_a_good_cable() -> None:
    data = bytes(1_000_000)
    line = FaultyLine(1, 1e-3)
    line.feed(data, 0.0)
    assert sum(line.faults.values()) == pytest.approx(1000, rel=0.15)
    assert min(line.faults.values()) > 80
    assert carry(FaultyLine(1, 0.0), data, 5)[0][1] == data


@pytest.mark.parametrize(
    ("rate", "operations", "options"),
    [
        (0.0, 200, {}),
        (1e-5, 800, {}),
        (1e-4, 900, {}),
        (1e-3, 1000, {}),
        (1e-2, 120, PATIENT),
    ],
)
def test_pulses_fire_once_and_codes_stay_the_same(
    rate: float, operations: int, options: dict
) -> None:
    sweep = Sweep(1, rate, operations, **options).run()
    assert sweep.mistakes == []
    assert sweep.programmed == operations
    assert sweep.measurements > 0


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_fault_alone_does_no_harm(kind: str) -> None:
    sweep = Sweep(2, 1e-3, 60, kinds=(kind,)).run()
    assert sweep.mistakes == []
    assert sum(sweep.up.faults.values()) > 5


def test_without_the_session_check_the_same_sweep_finds_mistakes() -> None:
    # Bytes that a killed host left behind arrive in the session of its successor.
    options = {"rate": 1e-4, "operations": 250, "kill_every": 1}
    sound = [Sweep(seed, **options).run() for seed in (0, 1)]
    broken = [Sweep(seed, **options, link_class=CarelessLink).run() for seed in (0, 1)]
    assert [sweep.mistakes for sweep in sound] == [[], []]
    found = [mistake for sweep in broken for mistake in sweep.mistakes]
    assert any("pulses were asked for" in mistake for mistake in found), found
    assert all(sweep.mistakes for sweep in broken)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("rate", "operations", "options"),
    [
        (1e-5, 33_000, {}),
        (1e-4, 33_000, {}),
        (1e-3, 33_000, {}),
        (1e-2, 1_500, PATIENT),
    ],
)
def test_a_hundred_thousand_operations(rate: float, operations: int, options: dict) -> None:
    sweep = Sweep(7, rate, operations, **options).run()
    assert sweep.mistakes == []
    assert sweep.programmed == operations


def test_over_real_sockets_a_bad_cable_costs_time_and_nothing_else() -> None:
    here, there = (EmulatedBoard(load_preset("ta-hfo2"), 6) for _ in range(2))
    here.configure(CONFIG)
    selection = Selection(np.arange(128), np.arange(64))
    kinds = ("flip", "drop", "duplicate", "insert", "burst", "delay")
    up, down = FaultyLine(5, 3e-4, kinds), FaultyLine(6, 3e-4, kinds)
    pulses = random_pulses(np.random.default_rng(1), 80)
    here.pulse(pulses)
    with ServedBoard(there) as server:
        host, port = server.url.split("//")[1].split(":")
        with (
            FaultProxy((host, int(port)), up, down) as proxy,
            BlockingHost(proxy.url, tries=12, max_payload=512) as client,
        ):
            client.connect()
            client.arm(wire_configuration(), watchdog=5.0)
            assert client.run(Job(1, row_entries(pulses))) == 80
            code, _ = client.run(Read(read_request(selection, 34078, 0, 2)))
    assert np.array_equal(code, here.read(selection, 34078).code)
    assert sum(isinstance(event, Fired) for event in server.events) == 80
    assert sum(up.faults.values()) > 2
    assert sum(down.faults.values()) > 2
