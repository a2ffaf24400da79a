"""The emulator against plain numpy, as ratios within one run; all on one BLAS thread.

What is compared alternates, and the least of many processor times counts: a busy machine slows
both, and interrupts the longer one more often.
"""

import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from drivers.board import AUTO_GAIN, Selection
from drivers.published_board import Span
from memlab.array.board_array import BoardArray
from memlab.emulator import EmulatedBoard, load_preset
from memlab.errors import SaturationWarning
from memlab.experiments.runner import make_plan, run

pytestmark = pytest.mark.benchmark

ALL = Selection(np.arange(128), np.arange(64))
CASES: dict[str, tuple[dict[str, float], float]] = {
    "noise off": ({}, 2.5),
    "output noise": ({"board.adc.noise": 0.56, "board.amplifier.thermal_bandwidth": 1e6}, 4.5),
    "per-device noise": ({"board.adc.noise": 0.56, "read_noise.white": 0.01}, 8.0),
}


def ratio(ours: Callable[[], object], reference: Callable[[], object], repeats: int) -> float:
    """Return least time of ours over least time of the reference, run in turn.

    Short calls are timed a hundred at a time: the thread's clock may be no finer than them.
    """
    calls = 100 if repeats >= 1000 else 1
    times = np.empty((repeats // calls, 2))
    for repeat in range(len(times)):
        for k, call in enumerate((ours, reference)):
            start = time.thread_time()
            for _ in range(calls):
                call()
            times[repeat, k] = time.thread_time() - start
    least = times.min(axis=0)
    return float(least[0] / least[1])


def programmed(**changes: float) -> EmulatedBoard:
    board = EmulatedBoard(load_preset("ta-hfo2").replace(**changes), seed=1)
    BoardArray(board).program(np.random.default_rng(0).uniform(0.7, 1.6, (128, 64)))
    return board


@pytest.mark.parametrize("case", CASES)
def test_6400_vectors_against_the_same_gemm(case: str) -> None:
    changes, limit = CASES[case]
    board = programmed(**changes)
    voltage = np.random.default_rng(1).uniform(-0.2, 0.2, (6400, 128))
    codes = Span.BIPOLAR_5.encode(voltage)
    conductance = board.chip.conductance
    with threadpool_limits(1):
        found = {
            name: ratio(lambda g=gain: board.vmm(ALL, codes, g), lambda: voltage @ conductance, 150)
            for name, gain in (("gain 2", 2), ("automatic gain", AUTO_GAIN))
        }
    text = ", ".join(f"{value:.2f} ({name})" for name, value in found.items())
    print(f"\n6,400 vectors, {case}: {text} x the GEMM; at most {limit}")
    assert max(found.values()) <= limit


def test_a_single_vector_against_a_bare_product() -> None:
    board = programmed()
    voltage = np.random.default_rng(1).uniform(-0.2, 0.2, 128)
    codes = Span.BIPOLAR_5.encode(voltage)[np.newaxis]
    conductance = board.chip.conductance
    with threadpool_limits(1):
        found = ratio(lambda: board.vmm(ALL, codes), lambda: voltage @ conductance, 20_000)
    print(f"\none vector: {found:.1f} x a matrix-vector product; at most 13")
    assert found <= 13.0


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("rendered")  # of a whole run, as a user waits for it: with its picture
def test_airline_with_everything_on_against_ideal(tmp_path: Path) -> None:
    cases = {
        "ideal": ["chip=ideal"],
        "ta-hfo2": ["chip=ta-hfo2"],
        "wires": ["chip=ta-hfo2", "chip.wires.resistance=0.3"],
        "everything": ["chip=ta-hfo2-full"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", SaturationWarning)
        for repeat in range(4):
            for name, settings in cases.items():
                out = tmp_path / f"{name}{repeat}.h5"
                plan = make_plan("airline", epochs=50, settings=settings, out=out, seed=1)
                start = time.process_time()
                run(plan)
                seconds[name].append(time.process_time() - start)
    least = {name: min(times) / min(seconds["ideal"]) for name, times in seconds.items()}
    text = ", ".join(f"{value:.2f} ({name})" for name, value in least.items())
    print(f"\nairline, 50 epochs: {text} x ideal; at most 2.5")
    assert least["everything"] <= 2.5
