"""What training costs, and what the log of it costs, as ratios within one run."""

import statistics
import time
from pathlib import Path

import pytest

from memlab.experiments import make_plan, run

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]


def processor_seconds(out: Path, level: str, epochs: int, board: str = "emulator:") -> float:
    plan = make_plan(
        "airline", board=board, epochs=epochs, out=out, settings=[f"log.level={level}"]
    )
    start = time.process_time()
    run(plan, figure=False)  # a picture is no log, and costs the same for 100 updates as for 800
    return time.process_time() - start


def test_the_full_log_costs_less_than_15_percent(tmp_path: Path) -> None:
    """Compare 100 airline updates with the full log and without, in turn, nine times."""
    processor_seconds(tmp_path / "warm-up.h5", "all", 5)
    ratios = []
    for pair in range(9):
        off = processor_seconds(tmp_path / f"off{pair}.h5", "off", 100)
        on = processor_seconds(tmp_path / f"on{pair}.h5", "all", 100)
        ratios.append(on / off)
    ratio = statistics.median(ratios)
    print(
        f"\nfull log / no log, processor time: median {ratio:.3f}, "
        f"range {min(ratios):.3f}..{max(ratios):.3f}"
    )
    assert ratio < 1.15


def test_a_passport_costs_less_than_10_percent(tmp_path: Path) -> None:
    """Compare 400 airline updates with a passport of the chip and without, in turn, five times."""
    board = f"emulator:?passport={tmp_path}/chip.passport"
    processor_seconds(tmp_path / "warm-up.h5", "all", 5, board)
    off, on = [], []
    for pair in range(5):
        off.append(processor_seconds(tmp_path / f"off{pair}.h5", "all", 400))
        on.append(processor_seconds(tmp_path / f"on{pair}.h5", "all", 400, board))
    # A busy machine makes some of them longer, and none shorter.
    ratio = min(on) / min(off)
    print(f"\npassport / no passport, processor time, best of five: {ratio:.3f}")
    assert ratio < 1.1


def test_800_updates_with_the_full_log_take_under_20_seconds(tmp_path: Path) -> None:
    """Time the run of `memlab train airline` (the published code: 310 s of processor time)."""
    start, processor = time.perf_counter(), time.process_time()
    run(make_plan("airline", out=tmp_path / "run.h5"), figure=False)
    wall, used = time.perf_counter() - start, time.process_time() - processor
    print(f"\n800 updates with the full log: {wall:.1f} s, {used:.1f} s of processor time")
    assert wall < 20
