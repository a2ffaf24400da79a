"""An emulated board goes back to an earlier state and goes on as it did the first time."""

from pathlib import Path

import numpy as np
import pytest

from drivers.errors import DeviceError
from memlab.array.board_array import BoardArray
from memlab.emulator import ChipPreset, EmulatedBoard, load_preset
from memlab.errors import DataError
from memlab.storage import read_state, write_state

SHAPE = (12, 7)
PRESETS = {
    "ta-hfo2": load_preset("ta-hfo2"),
    "full": load_preset("ta-hfo2-full"),
    "worst": load_preset("worst-case"),
    "unformed": load_preset("worst-case").replace(
        **{"forming.voltage": "2.4", "spread.cycle_gate": "0.02", "spread.cycle_tail": "4"}
    ),
    "slow": load_preset("ta-hfo2-full").replace(
        **{
            "read_noise.flicker": "0.01",
            "read_noise.telegraph_traps": "2",
            "read_noise.telegraph_amplitude": "0.1",
            "board.dac.settling": "1e-6",
            "board.amplifier.column_capacitance": "1e-10",
        }
    ),
}


def use(array: BoardArray, rng: np.random.Generator) -> list[np.ndarray]:
    """Pulse, multiply and read parts of the array at random; return all codes that came back."""
    codes = []
    for _ in range(4):
        part = array[rng.choice(SHAPE[0], 5, replace=False), rng.choice(SHAPE[1], 4, replace=False)]
        part.program(rng.uniform(0.7, 1.6, part.shape), reset=rng.random(part.shape) < 0.4)
        for one in (part.measure_conductance(), part.measure_vmm(rng.uniform(-0.2, 0.2, (3, 5)))):
            codes += [one.adc_code, one.gain]
        array.board.advance(float(rng.uniform(0.0, 3.0)))
    return codes


def opened(preset: ChipPreset, seed: int = 3) -> BoardArray:
    return BoardArray(EmulatedBoard(preset, seed, SHAPE))


@pytest.mark.parametrize("name", PRESETS)
def test_another_board_goes_on_from_a_state_as_the_first_did(name: str, tmp_path: Path) -> None:
    first, second = opened(PRESETS[name]), opened(PRESETS[name])
    use(first, np.random.default_rng(1))
    use(second, np.random.default_rng(2))  # another past, of which nothing may be left
    write_state(tmp_path / "state", first.state())
    wanted = use(first, np.random.default_rng(4))
    second.restore(read_state(tmp_path / "state"))
    found = use(second, np.random.default_rng(4))
    assert all(np.array_equal(a, b) for a, b in zip(wanted, found, strict=True))
    assert second.state()["board"]["energy"] == first.state()["board"]["energy"]
    assert (second.counts, second.traffic) == (first.counts, first.traffic)
    assert second.board.clock == first.board.clock
    assert np.array_equal(second.board.chip.conductance, first.board.chip.conductance)


def test_a_state_is_a_copy() -> None:
    array = opened(PRESETS["worst"])
    state = array.state()
    before = state["board"]["chip"]["programmed"].copy()
    use(array, np.random.default_rng(1))
    assert np.array_equal(state["board"]["chip"]["programmed"], before)
    assert not np.array_equal(array.state()["board"]["chip"]["programmed"], before)


def test_a_state_of_another_chip_is_refused() -> None:
    state = opened(PRESETS["worst"], seed=3).state()
    array = opened(PRESETS["worst"], seed=4)
    with pytest.raises(DeviceError, match="-3-12x7 of 12 x 7 cells, and not of worst-case-4-12x7"):
        array.restore(state)


def test_a_damaged_state_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "state"
    write_state(path, {"a": np.arange(1000), "b": [1, {"c": None}], "big": 1 << 120})
    state = read_state(path)
    assert state["big"] == 1 << 120
    assert state["b"] == [1, {"c": None}]
    assert np.array_equal(state["a"], np.arange(1000))
    content = bytearray(path.read_bytes())
    for damaged in (
        content[:-30],
        content[:400] + bytes([content[400] ^ 4]) + content[401:],
        b"",
        b"{}",
    ):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="is no checkpoint of memlab") as caught:
            read_state(path)
        assert "\n" not in str(caught.value)
