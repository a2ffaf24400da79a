"""What a run would cost on the board: by hand, and a bill beside the run itself."""

from pathlib import Path

import numpy as np
import pytest

import memlab
from memlab.array.cost import board_cost
from memlab.experiments import estimate, make_plan, run
from memlab.settings import LinkConfig


def test_one_vector_costs_what_the_board_reference_says() -> None:
    """Board reference 4.2: one bus at 20 MHz with chip selects, 128 rows, controller read."""
    with memlab.open_array("emulator:?chip=ideal") as array:
        array.vmm(np.zeros(128))
        cost = board_cost(array, LinkConfig(baudrate=921600, turnaround=2e-3))
    assert cost is not None
    # 166 us of DAC words, 10 us of settling (as configured), 4.3 us pulse + 3 us + 12.8 us.
    assert cost.analogue_seconds == pytest.approx(195e-6, rel=0.02)
    # 256 bytes up, 128 bytes of codes and 16 of gains down; 2 % framing; 10 bits a byte.
    assert cost.link_seconds == pytest.approx((256 + 144) * 1.02 * 10 / 921600 + 2e-3)


def test_energy_of_a_vmm_is_voltage_squared_times_conductance_times_time() -> None:
    with memlab.open_array("emulator:?chip=ideal") as array:
        array[3, 5].program(1.0)  # 98 uS/V 1 V + 120 uS = 218 uS
        before = board_cost(array, LinkConfig())
        voltage = np.zeros(128)
        voltage[3] = 0.1
        array.vmm(voltage)
        after = board_cost(array, LinkConfig())
    assert before is not None
    assert after is not None
    # The pulse lasts until tick 1020 of 240 MHz, after 160 ns: 4.41 us.
    expected = 0.1**2 * 218e-6 * (0.16e-6 + 1020 / 240e6)
    assert after.vmm_energy - before.vmm_energy == pytest.approx(expected, rel=1e-3)


def test_an_array_that_is_not_simulated_has_no_cost() -> None:
    with memlab.open_array("ideal:") as array:
        assert board_cost(array, LinkConfig()) is None


@pytest.mark.parametrize("level", ["all", "off"])
def test_the_bill_agrees_with_the_run(tmp_path: Path, level: str) -> None:
    settings = [f"log.level={level}"]
    plan = make_plan("airline", epochs=25, seed=4, out=tmp_path / "run.h5", settings=settings)
    bill = estimate(plan)
    assert list(tmp_path.iterdir()) == []
    document = run(plan)
    assert bill["devices"] == 34 * 60 + 32
    assert bill["updates"] == 25
    # Every cell is SET at the start and at each update; half of the cells are RESET.
    assert bill["pulses_per_cell"]["set"] == 26
    assert bill["counts"]["vmm"] == document["counts"]["vmm"]
    assert bill["counts"]["reset"] == pytest.approx(document["counts"]["reset"], rel=0.1)
    on_board = document["on_board"]
    assert bill["on_board"]["seconds"] == pytest.approx(on_board["seconds"], rel=0.02)
    # Conductances creep up while a network learns, and energy with them.
    assert bill["on_board"]["energy"] == pytest.approx(on_board["energy"], rel=0.3)
    assert bill["file_size"] == pytest.approx((tmp_path / "run.h5").stat().st_size, rel=0.05)
