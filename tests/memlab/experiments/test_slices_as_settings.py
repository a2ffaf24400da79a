"""Experiments on several slices: what is written to each, what learns, and what is refused."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from support.stopped import StopAtKeep, assert_same

from memlab.errors import SettingError
from memlab.experiments import Plan, estimate, make_plan, resume, run

AUTOMATIC = "network.placement=automatic"
CELLS = 2 * (5 * 12 + 4)
"""Of an LSTM of 3 units with an input and a bias, and of a dense layer with a bias."""


def plan(out: Path, *settings: str, **options: Any) -> Plan:
    own = ["network.units=3", "train.epochs=2", *settings]
    options.setdefault("preset", "memlab")
    return make_plan("airline", settings=own, out=out, seed=3, **options)


def found_at(tmp_path: Path, *settings: str, **options: Any) -> dict[str, Any]:
    out = tmp_path / f"{len(list(tmp_path.iterdir()))}.h5"
    return run(plan(out, *settings, **options), figure=False)


def test_a_transfer_writes_every_slice_and_leaves_less(tmp_path: Path) -> None:
    settings = ("method=ex-situ", AUTOMATIC, "transfer.attempts=1", "log.level=off")
    found = {k: found_at(tmp_path, *settings, f"mapping.slices={k}") for k in (1, 3)}
    for slices, one in found.items():
        transfer = one["transfer"]
        assert transfer["cells"] == slices * CELLS == one["counts"]["set"]
        scale = transfer["siemens_per_weight"]
        with h5py.File(one["run"]) as file:
            asked = ~np.isnan(file["entry/transfer/target"][:])
            assert asked.sum() == slices * CELLS
            assert (~np.isnan(file["entry/transfer/final"][:])).sum() == slices * CELLS
            assert file["entry/transfer/done"][-1] == transfer["done"]
    assert list(scale) == [f"{name}_slice{k}" for name in ("lstm", "dense") for k in range(3)]
    assert scale["lstm_slice2"] > 4 * scale["lstm_slice1"] > 16 * scale["lstm_slice0"]
    # The software is the same, and blind pulses cost less with slices.
    metrics = [found[k]["metrics"] for k in (1, 3)]
    assert metrics[0]["software_test_rmse"] == pytest.approx(metrics[1]["software_test_rmse"])
    change = [abs(found[k]["transfer"]["change"]["test_rmse"]) for k in (1, 3)]
    assert change[1] < 0.2 * change[0]


def test_the_bill_of_slices_is_what_they_take(tmp_path: Path) -> None:
    made = plan(tmp_path / "r.h5", "method=ex-situ", AUTOMATIC, "mapping.slices=2")
    bill = estimate(made)
    assert bill["devices"] == run(made, figure=False)["transfer"]["cells"] == 2 * CELLS


@pytest.mark.parametrize(
    "number", [9, *(pytest.param(one, marks=pytest.mark.slow) for one in (3, 12))]
)
def test_a_transfer_of_slices_goes_on_where_it_was_stopped(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ("method=ex-situ", AUTOMATIC, "mapping.slices=2", "train.epochs=0")
    boards = ("emulator:?shape=16x16", "emulator:?shape=16x16&seed=4")
    whole, broken = (plan(tmp_path / f"{one}.h5", *settings, board=boards) for one in "ab")
    wanted = run(whole, figure=False)
    with monkeypatch.context() as patched:
        StopAtKeep(patched, number)
        with pytest.raises(KeyboardInterrupt):
            run(broken, figure=False)
    found = resume(broken.out, figure=False)
    assert found is not None
    assert found["transfer"] == wanted["transfer"]
    assert_same(broken.out, whole.out)


def test_on_ideal_arrays_slices_change_nothing(tmp_path: Path) -> None:
    one = found_at(tmp_path, AUTOMATIC, board="ideal:")
    two = found_at(tmp_path, AUTOMATIC, "mapping.slices=2", board="ideal:")
    assert two["metrics"]["test_rmse"] == pytest.approx(one["metrics"]["test_rmse"], rel=1e-9)


def test_updates_go_to_the_slice_that_is_trained_and_the_others_stay(tmp_path: Path) -> None:
    finest = (AUTOMATIC, "mapping.slices=2", "mapping.trained_slice=1", "train.epochs=4")
    kept = found_at(tmp_path, *finest)
    carried = found_at(tmp_path, *finest, "mapping.carry_every=2")
    for one, moved in ((kept, False), (carried, True)):
        with h5py.File(one["run"]) as file:
            coarse, fine = (file[f"entry/lstm_slice{k}"] for k in range(2))
            first, last = coarse["initial_conductance"][:], coarse["conductance"][-1]
            assert (first != last).any() == moved
            assert (fine["initial_conductance"][:] != fine["conductance"][-1]).all()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (("mapping.slices=2",), "was published without slices.*network.placement=automatic"),
        ((AUTOMATIC, "mapping.slices=8", "network.units=15"), "no room: .*copies or slices"),
        (("mapping.slices=0",), "mapping.slices=0: .*from 1 up to 8"),
        (("mapping.trained_slice=1",), "trained_slice=1 must be below slices=1"),
        (("mapping.slices=2", "mapping.carry_every=9"), "carry_every needs a trained_slice"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(
    settings: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingError, match=words) as caught:
        run(plan(tmp_path / "r.h5", *settings), figure=False)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_kind_that_does_not_place_slices_says_so() -> None:
    from memlab.array.ideal import IdealArray
    from memlab.mapping import TA_HFO2, Request, place

    mapping = TA_HFO2.model_copy(update={"slices": 2})
    floor = place([Request("dense", 3, 2)])
    with pytest.raises(SettingError, match=r"mapping.slices=2 .* dense were placed: .*slices=2"):
        mapping.realise(floor, [IdealArray(128, 64)], 0.2, 1)
