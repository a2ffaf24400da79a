"""A matrix on slices comes down to what its reading leaves, which is derived."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from support.scripts import loaded


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    with loaded("residual_slices") as module:
        yield module


@pytest.mark.parametrize("way", ["blind", "write-and-verify"])
def test_a_matrix_on_cells_with_4_us_of_noise_is_stored_to_a_ten_thousandth(
    script: ModuleType, way: str
) -> None:
    case = script.CASES[0]
    assert (case.chip, case.readings, case.read_voltage) == ("ta-hfo2", 1, 0.055)
    found = script.store(case, way, seed=4)
    # 4 uS in both cells of a pair, of a window of 196 uS; verified, at most 2 uS in each.
    most = 0.04 if way == "blind" else 0.015
    assert most / 3 < found.error[0] < most
    assert found.error[-1] < 1e-4
    # An ADC step of 10 V / 65,536 at 100 kohm and 0.055 V is 28 nS.
    step = 10 / 65536 / 1e5 / 0.055
    assert found.floor[0] == pytest.approx(np.sqrt(2 / 12) * step / 196e-6, rel=0.01)
    assert 0.9 < found.error[-1] / found.floor[-1] < 1.25


def test_at_0_2_v_the_floor_is_that_of_76_ns(script: ModuleType) -> None:
    case = script.Case("ta-hfo2", 1, 0.2, 2e-6)
    found = script.store(case, "blind", seed=4)
    assert found.floor[0] == pytest.approx(np.sqrt(2 / 12) * 76.3e-9 / 196e-6, rel=0.01)
    assert 0.9 < found.error[-1] / found.floor[-1] < 1.1


@pytest.mark.parametrize("way", ["blind", pytest.param("write-and-verify", marks=pytest.mark.slow)])
def test_with_every_effect_of_a_bench_a_matrix_comes_down_to_the_noise_of_its_cells(
    script: ModuleType, way: str
) -> None:
    case = script.CASES[1]
    assert case.chip == "ta-hfo2-full"
    found = [script.store(case, way, seed) for seed in (4, 5)]
    error, floor = (
        np.sqrt(np.mean([getattr(one, name) ** 2 for one in found], axis=0))
        for name in ("error", "floor")
    )
    assert error[0] > 4 * error[-1]
    # Slow noise is the most of it: the part of it that is slower than a write is in both.
    assert 0.6 < error[-1] / floor[-1] < 1.3
    # Of the pairs of the first slice: sqrt(169^2 + (169 + 196 u)^2) uS for u from 0 to 1.
    assert floor[0] == pytest.approx(np.hypot(3e-3, 0.02**0.5 * 0.01) * 321 / 196, rel=0.35)


def test_the_picture_shows_what_the_table_does(
    script: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(script, "CASES", (script.CASES[0],))
    monkeypatch.setattr(sys, "argv", ["residual_slices", "--seeds", "1", "--out", "x/s.png"])
    monkeypatch.chdir(tmp_path)
    assert script.main() == 0
    rows = capsys.readouterr().out.splitlines()
    assert [row.count("|") for row in rows[:4]] == [10] * 4
    assert (tmp_path / "x" / "s.png").exists()
