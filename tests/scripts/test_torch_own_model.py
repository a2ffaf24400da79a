"""A model of one's own goes to a chip, two arrays and the wire with the same three lines."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from support.scripts import loaded

torch = pytest.importorskip("torch")

import memlab  # noqa: E402 - after the check that torch is there
from memlab.emulator import EmulatedBoard, load_preset  # noqa: E402
from memlab.testing import ServedBoard  # noqa: E402


@pytest.fixture
def script() -> Iterator[ModuleType]:
    with loaded("torch_own_model") as module:
        threads = torch.get_num_threads()
        yield module
        torch.set_num_threads(threads)


def said(script: ModuleType, monkeypatch: Any, capsys: Any, *words: str) -> str:
    monkeypatch.setattr("sys.argv", ["torch_own_model", *words])
    assert script.main() == 0
    return capsys.readouterr().out


def test_it_learns_on_two_arrays(script: ModuleType) -> None:
    with (
        memlab.open_array("emulator:?chip=ta-hfo2&seed=1&shape=32x20") as small,
        memlab.open_array("emulator:?chip=ta-hfo2&seed=11") as large,
    ):
        # A third is right by chance; median of five seeds 77 % (46 to 88), in software 100 %.
        assert script.train([small, large], 200, 1) > 0.6
        assert small.counts.set > 500 < large.counts.set


def test_on_the_wire_it_says_what_it_says_in_process(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "emulator:?chip=ta-hfo2&seed=7"
    here = said(script, monkeypatch, capsys, "--board", url, "--steps", "4")
    with ServedBoard(EmulatedBoard(load_preset("ta-hfo2"), 7), "tcp") as served:
        there = said(script, monkeypatch, capsys, "--board", served.url, "--steps", "4")
    assert here == there
    assert "step 4: loss" in here
