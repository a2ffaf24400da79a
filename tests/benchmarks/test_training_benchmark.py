"""What training costs, and what the log of it costs, as ratios within one run."""

import statistics
import time
from pathlib import Path

import pytest
from support.in_turn import ratios_in_turn

from memlab.experiments import make_plan, run

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]


def processor_seconds(out: Path, level: str, epochs: int, board: str = "emulator:") -> float:
    plan = make_plan(
        "airline", board=board, epochs=epochs, out=out, settings=[f"log.level={level}"]
    )
    start = time.process_time()
    run(plan, figure=False)  # a picture is no log, and costs the same for 100 updates as for 800
    return time.process_time() - start


def log_level(level: str) -> list[str]:
    return [f"log.level={level}"]


def report(what: str, ratios: list[float]) -> float:
    median = statistics.median(ratios)
    print(
        f"\n{what}, processor time, in turn: median {median:.3f} of {len(ratios)} pairs, "
        f"range {min(ratios):.3f}..{max(ratios):.3f}"
    )
    return median


def test_the_full_log_costs_less_than_15_percent(tmp_path: Path) -> None:
    """Compare 100 airline updates with the full log and without, nine times."""
    off, on = {"settings": log_level("off")}, {"settings": log_level("all")}
    assert report("full log / no log", ratios_in_turn(9, 100, tmp_path, off, on)) < 1.15


def test_a_passport_costs_less_than_10_percent(tmp_path: Path) -> None:
    """Compare 400 airline updates with a passport of the chip and without, seven times."""
    off = {"settings": log_level("all")}
    on = {**off, "board": f"emulator:?passport={tmp_path}/chip.passport"}
    assert report("passport / no passport", ratios_in_turn(7, 400, tmp_path, off, on)) < 1.1


def test_the_emulated_chip_with_the_full_log_takes_less_than_three_times_the_software(
    tmp_path: Path,
) -> None:
    """Compare 200 airline updates with those of the float64 reference, in turn, five times."""
    processor_seconds(tmp_path / "warm-up.h5", "all", 5)
    ratios = []
    for pair in range(5):
        software = processor_seconds(tmp_path / f"ideal{pair}.h5", "off", 200, "ideal:")
        chip = processor_seconds(tmp_path / f"chip{pair}.h5", "all", 200)
        ratios.append(chip / software)
    ratio = statistics.median(ratios)
    print(f"\nchip with full log / software, processor time: median {ratio:.2f}")
    assert ratio < 3.0
