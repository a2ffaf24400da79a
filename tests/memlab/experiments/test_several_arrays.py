"""A network that is too large for one array lies on several, and does what it does on one."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from memlab.array import Array
from memlab.array.board_array import BoardArray
from memlab.array.cost import board_cost, total_cost
from memlab.array.urls import open_array
from memlab.cli import main
from memlab.errors import SettingError, TransportError
from memlab.experiments import make_plan, run
from memlab.experiments.airline import PRESETS, AirlineConfig
from memlab.session import open_arrays, total_counts
from memlab.settings import LinkConfig, apply_settings
from memlab.training import Observer, UpdateResult

AUTOMATIC = "network.placement=automatic"
LARGE = "network.units=40"
"""LSTM 42 x 160 and dense layer 41 x 1, in pairs: 84 x 160 + 82 x 1 cells of 8,192."""


def asked(config: AirlineConfig) -> dict[str, Any]:
    return {"seed": config.seed, "chip": config.chip, "point": config.point.make_point()}


def train(boards: list[str], out: Path, *settings: str, epochs: int = 20) -> dict[str, Any]:
    plan = make_plan(
        "airline",
        preset="memlab",
        board=boards,
        seed=3,
        epochs=epochs,
        settings=[AUTOMATIC, *settings],
        out=out,
    )
    return run(plan)


@pytest.mark.parametrize(
    "boards",
    [
        pytest.param(
            ["ideal:?rows=44&columns=64"] * 2, id="cut into columns", marks=pytest.mark.slow
        ),
        pytest.param(["ideal:?rows=26&columns=48"] * 4, id="folded into rows as well"),
    ],
)
def test_on_ideal_arrays_a_network_learns_the_same_on_several_as_on_a_large_one(
    boards: list[str], tmp_path: Path
) -> None:
    units = "network.units=20"  # 44 x 80 cells and 42 x 1
    with pytest.raises(SettingError, match="no room"):
        train(boards[:1], tmp_path / "none.h5", units)
    one = train(["ideal:?rows=128&columns=128"], tmp_path / "one.h5", units)
    several = train(boards, tmp_path / "several.h5", units)
    # Partial sums are added in another order: equal but for rounding.
    assert several["metrics"] == pytest.approx(one["metrics"], rel=1e-9)
    with h5py.File(tmp_path / "one.h5") as single, h5py.File(tmp_path / "several.h5") as many:
        np.testing.assert_allclose(
            many["entry/training/loss"], single["entry/training/loss"], rtol=1e-9
        )
        on = {int(group.attrs["array"]) for group in blocks(many)}
        assert on == set(range(len(boards)))


def blocks(file: h5py.File) -> list[h5py.Group]:
    return [group for group in file["entry"].values() if "initial_conductance" in group]


@pytest.mark.usefixtures("drawn")
def test_on_chips_every_array_is_in_the_run_file_and_in_the_sums(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="more arrays"):
        train(["emulator:"], tmp_path / "none.h5", LARGE)
    boards = ["emulator:", "emulator:?chip=ideal"]
    document = train(boards, tmp_path / "run.h5", LARGE, epochs=3)
    assert document["board"] == "emulator: emulator:?chip=ideal"
    # Every cell is SET at the start and at each update.
    assert document["counts"]["set"] == (84 * 160 + 82) * 4
    assert document["on_board"]["seconds"] > 0
    with h5py.File(document["run"]) as file:
        instrument = file["entry/instrument"]
        assert instrument.attrs["arrays"] == 2
        assert set(instrument) == {"array_0", "array_1"}
        for array in instrument.values():
            assert (array.attrs["board.rows"], array.attrs["board.columns"]) == (128, 64)
        cells = {0: 0, 1: 0}
        for group in blocks(file):
            cells[int(group.attrs["array"])] += group["initial_conductance"].size
            assert len(group["conductance"]) == 3
        assert sum(cells.values()) == 84 * 160 + 82
        assert min(cells.values()) > 0
    assert Path(document["figure"]).read_bytes().startswith(b"\x89PNG")


def test_counts_and_cost_are_those_of_all_arrays() -> None:
    config, link = PRESETS["paper"](), LinkConfig()
    with open_arrays(["emulator:", "emulator:"], **asked(config)) as arrays:
        arrays[0].program(1.0)
        arrays[1][3].program(1.2)
        arrays[1].vmm(np.zeros((5, 128)))
        assert total_counts(arrays) == {"vmm": 5, "set": 128 * 64 + 64, "reset": 0, "saturated": 0}
        first, second = (board_cost(array, link) for array in arrays)
        total = total_cost(arrays, link)
        assert first is not None
        assert second is not None
        assert total is not None
        assert total.seconds == pytest.approx(first.seconds + second.seconds, rel=1e-12)
        assert total.energy == pytest.approx(first.energy + second.energy, rel=1e-12)
        assert total_cost([*arrays, open_array("ideal:")], link) is None


def test_emulated_chips_differ_and_a_seed_in_the_url_stays() -> None:
    def programmed(array: Array) -> Any:
        array.program(1.0)
        return array.read_conductance()

    config = apply_settings(PRESETS["paper"](), ["seed=5"])
    with open_arrays(["emulator:", "emulator:", "emulator:?seed=9"], **asked(config)) as arrays:
        maps = [programmed(array) for array in arrays]
    for seed, measured in zip((5, 6, 9), maps, strict=True):
        with open_array("emulator:", seed=seed, chip=config.chip) as array:
            np.testing.assert_array_equal(measured, programmed(array))
    assert (maps[0] != maps[1]).any()


# -- every exit grounds every array -----------------------------------------------------------


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[BoardArray]:
    """Boards that were closed, which grounds them (see the contract of `Board`)."""
    done: list[BoardArray] = []
    close = BoardArray.close

    def noted(array: BoardArray) -> None:
        close(array)
        done.append(array)

    monkeypatch.setattr(BoardArray, "close", noted)
    return done


def test_when_a_board_cannot_be_opened_those_before_it_are_closed(
    closed: list[BoardArray],
) -> None:
    boards = ["emulator:", "emulator:", "socket://127.0.0.1:9"]
    with pytest.raises(TransportError), open_arrays(boards):
        pytest.fail("there is no board at port 9")
    assert len({id(array) for array in closed}) == 2


def test_an_interrupted_run_closes_every_board(closed: list[BoardArray], tmp_path: Path) -> None:
    class Stop(Observer):
        def updated(self, result: UpdateResult, network: object) -> None:
            raise KeyboardInterrupt

    plan = make_plan(
        "airline",
        board=["emulator:", "emulator:"],
        settings=[AUTOMATIC, LARGE],
        out=tmp_path / "run.h5",
    )
    with pytest.raises(KeyboardInterrupt):
        run(plan, [Stop()])
    assert len({id(array) for array in closed}) == 2
    with h5py.File(tmp_path / "run.h5") as file:
        assert file["entry"].attrs["status"] == "interrupted"


def test_a_failing_close_does_not_keep_the_other_boards_open(
    closed: list[BoardArray], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise TransportError("unplugged")

    def fail_at_the_second() -> None:
        with open_arrays(["emulator:", "emulator:"], **asked(PRESETS["paper"]())) as arrays:
            monkeypatch.setattr(arrays[1], "close", fail)

    with pytest.raises(TransportError, match="unplugged"):
        fail_at_the_second()
    assert len(closed) == 1


# -- what is refused --------------------------------------------------------------------------


def test_a_published_placement_is_on_one_array(tmp_path: Path) -> None:
    for experiment in ("airline", "airline-window", "mnist-cnn", "mnist-sequence", "gait"):
        settings = ["data.source=synthetic"] if experiment == "gait" else []
        plan = make_plan(
            experiment,
            board=["emulator:", "emulator:"],
            settings=settings,
            out=tmp_path / "run.h5",
        )
        with pytest.raises(SettingError, match=r"on one array.*network\.placement=automatic"):
            run(plan)
    assert not (tmp_path / "run.h5").exists()


def test_one_board_cannot_be_two() -> None:
    with pytest.raises(SettingError, match="named 2 times"):
        make_plan("wafer", board=["serial:///dev/ttyACM0"] * 2)
    with pytest.raises(SettingError, match="at least one"):
        make_plan("wafer", board=[])


def test_the_command_takes_board_several_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    command = "memlab train airline --board emulator: --board emulator:?seed=8 --epochs 2 --json"
    monkeypatch.setattr("sys.argv", [*command.split(), "--set", AUTOMATIC, "--set", LARGE])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    document = json.loads(capsys.readouterr().out)
    assert document["board"] == "emulator: emulator:?seed=8"
    monkeypatch.setattr("sys.argv", command.split())
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "network.placement=automatic" in capsys.readouterr().err
