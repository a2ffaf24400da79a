"""What the scripts about slices, noise-aware training and read scaling measure, once each."""

import runpy
from pathlib import Path
from typing import Any

import pytest
from support.made_up_digits import write_digits

SCRIPTS = Path(__file__).parents[2] / "scripts"


def script(name: str) -> dict[str, Any]:
    return runpy.run_path(str(SCRIPTS / f"{name}.py"))


@pytest.mark.slow
def test_the_finest_slice_alone_learns_more_than_one_slice() -> None:
    trial = script("sliced_training")["trial"]
    one, finest = trial("ta-hfo2", 1, 1, "each"), trial("ta-hfo2", 1, 2, "finest")
    assert finest[0] < 0.6 * one[0]
    assert finest[1] > one[1]


@pytest.mark.slow
def test_a_noise_aware_network_is_transferred(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_digits(tmp_path / "mnist8x8.npz")
    monkeypatch.setenv("MEMLAB_DATA", str(tmp_path))
    found = script("noise_aware")["trial"]("as published, blind", 1.0, 2)
    assert all(0.0 <= one <= 100.0 for one in found)


@pytest.mark.slow
def test_a_network_that_has_faded_reads_as_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_digits(tmp_path / "mnist8x8.npz")
    monkeypatch.setenv("MEMLAB_DATA", str(tmp_path))
    plain, scaled = script("read_scaling")["trial"](1)["`ta-hfo2` that fades"]
    assert len(plain) == len(scaled) == 5
    assert max(abs(one - scaled[0]) for one in scaled) <= 2.0
