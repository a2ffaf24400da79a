"""Software training, transfer and inference: what always holds, and what a bad chip costs."""

import json
import os
import sys
import warnings
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from memlab.array.ideal import IdealArray
from memlab.cli import main
from memlab.errors import LimitError, SettingError
from memlab.experiments import estimate, make_plan, run
from memlab.experiments.airline import PRESETS, AirlineExperiment
from memlab.experiments.config import PairPlacement
from memlab.experiments.ex_situ import effective_training
from memlab.kinds import plot_run
from memlab.mapping import Layout, Writing, pair_weight
from memlab.session import create_run_file
from memlab.settings import apply_settings

SHORT = ("method=ex-situ", "train.epochs=30")
LAW = (120e-6 + 98e-6 * 0.5, 120e-6 + 98e-6 * 2.5)
"""Conductances (S) that SETs at 0.5 and 2.5 V reach on ta-hfo2."""


def airline(out: Path, *settings: str, **options: Any) -> dict[str, Any]:
    plan = make_plan("airline", preset="memlab", settings=(*SHORT, *settings), out=out, **options)
    return run(plan, figure=False)


def test_an_exact_transfer_loses_nothing(tmp_path: Path) -> None:
    found = airline(tmp_path / "run.h5", board="ideal:", seed=3)
    metrics, transfer = found["metrics"], found["transfer"]
    # The law of ideal: is exact, so that every cell is right after its first SET.
    assert transfer["rounds"] == 1
    assert transfer["set_per_cell"] == 1.0
    assert transfer["done"] == transfer["cells"] == 34 * 60 + 32
    assert metrics["test_rmse"] == pytest.approx(metrics["software_test_rmse"], rel=1e-9)
    assert transfer["change"]["test_rmse"] == pytest.approx(0.0, abs=1e-6)
    assert transfer["clipped"] == 0.0


def test_software_learns_as_memlab_train_does_on_an_ideal_array(tmp_path: Path) -> None:
    transferred = airline(tmp_path / "ex.h5", seed=3)
    # 2 R_vg slope = 2 * 1.02e4 * 98e-6, with the learning rates of the preset.
    factor = 2 * 1.02e4 * 98e-6
    plan = make_plan(
        "airline",
        preset="memlab",
        board="ideal:",
        seed=3,
        epochs=30,
        settings=[f"train.lr={1e-3 * factor}", f"train.lr_final={1e-4 * factor}"],
        out=tmp_path / "ideal.h5",
    )
    trained = run(plan, figure=False)["metrics"]
    assert transferred["metrics"]["software_test_rmse"] == pytest.approx(trained["test_rmse"])
    assert transferred["metrics"]["final_loss"] == pytest.approx(trained["final_loss"])


def test_a_run_file_holds_every_cell_and_the_yield_curve(tmp_path: Path) -> None:
    found = airline(tmp_path / "run.h5", seed=2)
    with h5py.File(tmp_path / "run.h5") as file:
        entry, group = file["entry"], file["entry/transfer"]
        asked = ~np.isnan(group["target"][:])
        assert asked.sum() == found["transfer"]["cells"] == 34 * 60 + 32
        assert asked[:34, :60].all()
        assert asked[:32, 60].all()
        low, high = LAW
        assert group["target"][:][asked].min() == pytest.approx(low)
        assert group["target"][:][asked].max() == pytest.approx(high)
        assert group["done"][-1] == found["transfer"]["done"]
        assert group["set_pulses"][:].sum() == found["counts"]["set"]
        assert (group["set_pulses"][:][~asked] == 0).all()
        assert entry.attrs["transfer.cells"] == asked.sum()
        assert entry.attrs["metrics.software_test_rmse"] == found["metrics"]["software_test_rmse"]
        assert entry["training/loss"].size == 30
        # What was inferred on the array is what the file keeps.
        error = entry["prediction/predicted"][96:] - entry["prediction/passengers"][96:]
        assert np.sqrt(np.mean(error**2)) == pytest.approx(found["metrics"]["test_rmse"])


@pytest.mark.parametrize("placement", list(PairPlacement))
def test_pairs_stand_for_the_trained_weights_within_the_window(placement: PairPlacement) -> None:
    config = PRESETS["paper"]()
    arrays, ideal = [IdealArray(60, 62)], [IdealArray(60, 62)]
    network = AirlineExperiment(config, arrays).network
    software = AirlineExperiment(config, ideal).network
    software.initialise()
    low, high = 100e-6, 300e-6
    weights = [one.weight for one in software.matrices]
    centred = placement is PairPlacement.CENTRED
    writing = Writing(network.matrices, weights, (low, high), centred=centred)
    targets, clipped = writing.targets()
    assert clipped == 0
    held = np.concatenate([target.ravel() for _, target in targets])
    assert held.min() >= low * (1 - 1e-12)
    assert held.max() <= high * (1 + 1e-12)
    for matrix, trained in zip(network.matrices, software.matrices, strict=True):
        # The largest weight takes the whole window.
        largest = np.abs(trained.weight).max()
        assert matrix.siemens_per_weight == pytest.approx(200e-6 / largest)
        ((block, cells),) = [one for one in targets if one[0] in matrix.blocks]
        weight = pair_weight(cells, matrix.siemens_per_weight, block.layout)
        np.testing.assert_allclose(weight, trained.weight, atol=1e-9)
        plus, minus = cells[: len(cells) // 2], cells[len(cells) // 2 :]
        if placement is PairPlacement.CENTRED:
            np.testing.assert_allclose(plus + minus, low + high)
        else:
            np.testing.assert_allclose(np.minimum(plus, minus), low)


def test_the_largest_weights_may_be_clipped_so_that_the_others_use_more_of_the_window() -> None:
    config = PRESETS["paper"]()
    arrays, ideal = [IdealArray(60, 62)], [IdealArray(60, 62)]
    network = AirlineExperiment(config, arrays).network
    software = AirlineExperiment(config, ideal).network
    software.initialise()
    window = (100e-6, 300e-6)
    weights = [one.weight for one in software.matrices]
    targets, clipped = Writing(network.matrices, weights, window, centred=True, clip=0.1).targets()
    assert clipped / sum(one.size for _, one in targets) == pytest.approx(0.1, abs=0.01)
    assert max(one.max() for _, one in targets) == 300e-6
    for matrix, trained in zip(network.matrices, software.matrices, strict=True):
        assert matrix.siemens_per_weight > 200e-6 / np.abs(trained.weight).max()


def test_stuck_cells_cost_accuracy_in_transfer(tmp_path: Path) -> None:
    learnt = "train.epochs=200"
    clean = airline(tmp_path / "clean.h5", learnt, seed=2)
    stuck = airline(tmp_path / "stuck.h5", learnt, "chip.defects.stuck_on=0.1", seed=2)
    assert clean["transfer"]["failed"] == 0
    # 10 % of 2,072 cells, four standard deviations of 13.7.
    assert stuck["transfer"]["failed"] == pytest.approx(207, abs=55)
    assert stuck["metrics"]["software_test_rmse"] == clean["metrics"]["software_test_rmse"]
    # Every stuck cell is off by 3 to 8 times the largest weight.
    assert stuck["transfer"]["change"]["train_rmse"] > 20.0
    assert abs(clean["transfer"]["change"]["train_rmse"]) < 5.0


def test_a_network_on_two_arrays_is_transferred_to_both(tmp_path: Path) -> None:
    boards = ("emulator:?seed=1", "emulator:?seed=2")
    found = airline(
        tmp_path / "run.h5", "network.units=40", "network.placement=automatic", board=boards
    )
    with h5py.File(tmp_path / "run.h5") as file:
        cells = [np.count_nonzero(~np.isnan(file[f"entry/transfer_{k}/target"][:])) for k in (0, 1)]
    assert min(cells) > 0
    assert sum(cells) == found["transfer"]["cells"] == found["transfer"]["done"]


def test_the_effective_learning_rate_is_that_of_the_chip() -> None:
    config = PRESETS["paper"]()
    # Li 2019: 2 * 1.02e4 V/S * 98 uS/V = 2.0.
    assert effective_training(config).lr == pytest.approx(0.02, rel=0.01)
    assert effective_training(config).lr_final is None
    falling = apply_settings(config, ["train.lr_final=0.001"])
    assert effective_training(falling).lr_final == pytest.approx(0.002, rel=0.01)


def test_gate_voltages_beyond_the_limit_are_refused_before_anything_is_pulsed(
    tmp_path: Path,
) -> None:
    with pytest.raises(LimitError, match="gate"):
        airline(tmp_path / "run.h5", "transfer.gate_maximum=2.6", "train.epochs=0")
    with h5py.File(tmp_path / "run.h5") as file:
        assert file["entry"].attrs["status"] == "failed"
        assert file["entry/transfer/sets"].size == 0


def test_the_bill_of_a_transfer_is_what_it_then_takes(tmp_path: Path) -> None:
    plan = make_plan("airline", settings=SHORT, out=tmp_path / "run.h5")
    bill, taken = estimate(plan), run(plan, figure=False)
    assert bill["method"] == "ex-situ"
    assert bill["devices"] == taken["transfer"]["cells"] == 2072
    assert bill["counts"]["vmm"] == taken["counts"]["vmm"]
    # Untrained weights lie elsewhere in the window; a cell still needs one SET and some more.
    assert bill["counts"]["set"] == pytest.approx(taken["counts"]["set"], rel=0.1)
    # One more round of pulses or less, of about seven.
    for name in ("seconds", "energy"):
        assert bill["on_board"][name] == pytest.approx(taken["on_board"][name], rel=0.3)
    assert bill["file_size"] == pytest.approx((tmp_path / "run.h5").stat().st_size, rel=0.3)


def test_a_transfer_that_is_told_to_train_in_situ_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, stderr = transfer(monkeypatch, capsys, "airline", "--set", "method=in-situ")
    assert code == 2
    assert "use memlab train" in stderr
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_never_ended_is_no_source_of_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    running = create_run_file(
        make_plan("airline", out=Path("killed.h5")).request(), [IdealArray(128, 64)]
    )
    running.start()
    code, _, stderr = transfer(monkeypatch, capsys, "airline", "--from", "killed.h5")
    running.close("finished")
    assert code == 2
    assert "killed.h5 is no finished run" in stderr


@pytest.mark.usefixtures("rendered")
@pytest.mark.parametrize(("gate_maximum", "shown"), [(2.5, True), (2.6, False)])
def test_a_picture_shows_the_transfer_to_each_array_unless_it_never_began(
    tmp_path: Path, gate_maximum: float, shown: bool
) -> None:
    large = ("network.units=40", "network.placement=automatic", "train.epochs=0")
    plan = make_plan(
        "airline",
        board=["emulator:", "emulator:"],
        settings=(*SHORT, *large, f"transfer.gate_maximum={gate_maximum}"),
        out=tmp_path / "run.h5",
    )
    with nullcontext() if shown else pytest.raises(LimitError):
        run(plan, figure=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot_run(tmp_path / "run.h5", tmp_path / "run.svg")
    drawn = (tmp_path / "run.svg").read_text()
    for words in ("Array 0", "Array 1", "Round of pulses"):
        assert (words in drawn) == shown, words


DATA = Path(os.environ.get("MEMLAB_DATA", Path(__file__).parents[4] / "shared" / "data"))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not (DATA / "mnist8x8.npz").exists(), reason="no MNIST; set MEMLAB_DATA")
def test_in_situ_beats_ex_situ_on_a_chip_with_cells_stuck_on(tmp_path: Path) -> None:
    fixed = ["chip.wires.resistance=0.3", "chip.non_responsive=0", "transfer.clip=0.02"]
    median: dict[tuple[str, float], float] = {}
    for method in ("in-situ", "ex-situ"):
        for stuck in (0.0, 0.08):
            accuracies = []
            for seed in (1, 2, 3):
                plan = make_plan(
                    "mnist-sequence",
                    preset="memlab",
                    seed=seed,
                    settings=[
                        f"data.path={DATA}",
                        f"method={method}",
                        f"chip.defects.stuck_on={stuck}",
                        "log.level=off",
                        *fixed,
                    ],
                    out=tmp_path / f"{method}-{stuck}-{seed}.h5",
                )
                accuracies.append(run(plan, figure=False)["metrics"]["test_accuracy"])
            median[method, stuck] = float(np.median(accuracies))
    # A good chip takes either; on the bad one only training in situ finds its way around.
    assert min(median["in-situ", 0.0], median["ex-situ", 0.0]) > 0.97
    assert median["in-situ", 0.08] > 0.95
    assert median["ex-situ", 0.08] < 0.6


def test_noise_aware_training_is_judged_kept_and_written_without_the_noise(tmp_path: Path) -> None:
    own = ("network.units=3", "train.epochs=4", "train.validation=0.2", "train.patience=9")
    aware = airline(tmp_path / "a.h5", *own, "transfer.noise_aware=1", board="ideal:", seed=3)
    metrics = aware["metrics"]
    assert metrics["test_rmse"] == pytest.approx(metrics["software_test_rmse"], rel=1e-9)
    exact = airline(tmp_path / "b.h5", *own, board="ideal:", seed=3)["metrics"]
    assert metrics["software_test_rmse"] != exact["software_test_rmse"]
    # The best are those of the last epoch here, and exactly what was then written.
    assert aware["best"]["epoch"] == 4
    best = np.load(tmp_path / "a.best.npz")["lstm"]
    scale = aware["transfer"]["siemens_per_weight"]["lstm"]
    with h5py.File(tmp_path / "a.h5") as file:
        target = file["entry/transfer/target"][: 2 * len(best), : best.shape[1]]
    np.testing.assert_allclose(pair_weight(target, scale, Layout.BLOCK), best, atol=1e-9)


# -- memlab transfer ------------------------------------------------------------------------


def transfer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["memlab", "transfer", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    stdout, stderr = capsys.readouterr()
    return int(ended.value.code or 0), stdout, stderr


@pytest.mark.usefixtures("drawn")
def test_a_trained_run_is_transferred_without_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = make_plan("airline", board="ideal:", epochs=20, seed=4, out=tmp_path / "trained.h5")
    trained = run(plan, figure=False)["metrics"]
    source = ("airline", "--from", "trained.h5")
    options = ("--tolerance", "4e-6", "--board", "emulator:?seed=9", "--out", "t.h5", "--json")
    code, stdout, stderr = transfer(monkeypatch, capsys, *source, *options)
    assert code == 0, stderr
    found = json.loads(stdout)
    assert found["metrics"]["software_test_rmse"] == pytest.approx(trained["test_rmse"])
    assert found["metrics"]["final_loss"] is None
    assert found["transfer"]["failed"] == 0
    assert Path("t.png").read_bytes().startswith(b"\x89PNG")
    with h5py.File("t.h5") as file:
        assert np.nanmax(np.abs(file["entry/transfer/error"][:])) <= 8e-6
    # Another seed of the chip, the same weights.
    code, said, _ = transfer(monkeypatch, capsys, *source, "--seed", "5", "--out", "u.h5")
    assert code == 0
    assert f"test_rmse: {trained['test_rmse']:.4g} in software, " in said


def test_weights_that_do_not_fit_are_refused_and_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = ["network.units=4"]
    make = {"board": "ideal:", "epochs": 1}
    run(make_plan("airline", settings=settings, out=Path("small.h5"), **make), figure=False)
    quiet = ["log.level=off"]
    run(make_plan("airline", settings=quiet, out=Path("quiet.h5"), **make), figure=False)
    Path("junk.h5").write_text("junk")
    before = sorted(tmp_path.iterdir())
    for arguments, hint in (
        (["airline", "--from", "small.h5"], "network.units=4"),
        (["airline-window", "--from", "small.h5"], "run of airline, not of airline-window"),
        (["airline", "--from", "small.h5", "--preset", "memlab"], "network."),
        (["airline", "--from", "quiet.h5"], "log.level=epochs"),
        (["airline", "--from", "junk.h5"], "no run file"),
        (["airline", "--from", "missing.h5"], "missing.h5"),
        (["airline", "--tolerance", "0"], "tolerance"),
    ):
        code, stdout, stderr = transfer(monkeypatch, capsys, *arguments)
        assert (code, stdout) == (2, ""), stderr
        assert hint in stderr
    assert sorted(tmp_path.iterdir()) == before


# -- time between writing and inference -----------------------------------------------------


def test_read_scaling_gives_back_what_has_faded(tmp_path: Path) -> None:
    own = ("network.units=3", "train.epochs=60", "chip.drift.retention=1e5", "log.level=off")
    fresh = airline(tmp_path / "fresh.h5", *own, seed=3)["metrics"]["train_rmse"]
    aged = ("transfer.age=3e4", *own)
    old = airline(tmp_path / "old.h5", *aged, seed=3)
    scaled = airline(tmp_path / "scaled.h5", *aged, "transfer.read_scaling=true", seed=3)
    left = np.exp(-(0.3**0.5))
    factors = scaled["transfer"]["read_scale"]
    assert list(factors) == ["lstm", "dense"]
    np.testing.assert_allclose(list(factors.values()), 1 / left, rtol=5e-3)
    assert "read_scale" not in old["transfer"]
    lost = abs(old["metrics"]["train_rmse"] - fresh)
    assert abs(scaled["metrics"]["train_rmse"] - fresh) < 0.2 * lost


def test_time_passes_on_the_emulator_alone(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"transfer.age=10 lets simulated time pass, and only"):
        airline(tmp_path / "r.h5", "transfer.age=10", board="ideal:")
    assert list(tmp_path.iterdir()) == []
