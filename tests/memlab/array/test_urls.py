"""URLs: what names which array, and what a wrong one is answered with."""

from pathlib import Path

import numpy as np
import pytest

import memlab
from drivers.board import Board
from memlab.array.board_array import BoardArray
from memlab.array.ideal import IdealArray
from memlab.array.urls import check_url, open_array, open_board
from memlab.chip.limits import Limits
from memlab.emulator import EmulatedBoard, load_preset
from memlab.errors import DeviceError, LimitError, SettingError, exit_code


def chip_of(url: str, **options: object) -> EmulatedBoard:
    board = open_board(url, **options)  # type: ignore[arg-type]
    assert isinstance(board, EmulatedBoard)
    return board


class TestIdeal:
    def test_ideal_is_a_float64_array_of_the_size_of_the_chip(self) -> None:
        array = open_array("ideal:")
        assert isinstance(array, IdealArray)
        assert array.shape == (128, 64)

    def test_its_size_can_be_chosen(self) -> None:
        assert open_array("ideal:?rows=34&columns=60").shape == (34, 60)
        assert open_array("ideal:?columns=3").shape == (128, 3)

    def test_it_names_no_board(self) -> None:
        with pytest.raises(SettingError, match="no board"):
            open_board("ideal:")


class TestEmulator:
    def test_the_default_is_a_ta_hfo2_chip_of_seed_0(self) -> None:
        board = chip_of("emulator:")
        assert board.chip.preset == load_preset("ta-hfo2")
        assert board.capabilities.serial == "ta-hfo2-0"
        assert isinstance(board, Board)

    def test_a_url_names_chip_and_seed(self) -> None:
        board = chip_of("emulator:?seed=7&chip=pt-taox-ta")
        assert board.chip.preset.name == "pt-taox-ta"
        assert board.capabilities.serial == "pt-taox-ta-7"

    def test_any_parameter_of_the_preset_may_follow(self) -> None:
        preset = chip_of("emulator:?noise=0&non_responsive=0.25&chip=pt-taox-ta").chip.preset
        assert (preset.noise, preset.non_responsive) == (0.0, 0.25)
        assert preset.set_slope == load_preset("pt-taox-ta").set_slope

    def test_a_preset_file_is_a_chip(self, tmp_path: Path) -> None:
        file = tmp_path / "mine.toml"
        file.write_text(
            'name = "mine"\nsource = "by hand"\nset_slope = 1e-4\nset_offset = 0.0\n'
            "reset_conductance = 0.0\nnoise = 0.0\nnon_responsive = 0.0\n"
        )
        assert chip_of(f"emulator:?chip={file}").chip.preset.name == "mine"

    def test_the_url_overrides_the_seed_and_chip_of_the_caller(self) -> None:
        chip = load_preset("pt-taox-ta")
        assert chip_of("emulator:", seed=5, chip=chip).capabilities.serial == "pt-taox-ta-5"
        board = chip_of("emulator:?seed=7&chip=ideal", seed=5, chip=chip)
        assert board.capabilities.serial == "ideal-7"

    def test_a_parameter_in_the_url_changes_the_chip_of_the_caller(self) -> None:
        preset = chip_of("emulator:?noise=0", chip=load_preset("pt-taox-ta")).chip.preset
        assert (preset.name, preset.noise) == ("pt-taox-ta", 0.0)

    def test_a_board_that_no_array_can_use_is_closed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        board = open_board("emulator:?chip=ideal")
        monkeypatch.setattr("memlab.array.urls._open_board", lambda *_: (board, None))
        with pytest.raises(LimitError):
            open_array("emulator:", limits=Limits(read_voltage=9.0))
        with pytest.raises(DeviceError, match="closed"):
            board.ground()

    def test_an_array_owns_the_board_of_its_url(self) -> None:
        with open_array("emulator:?chip=ideal&seed=2") as array:
            assert isinstance(array, BoardArray)
            assert array.describe()["board"]["serial"] == "ideal-2"

    def test_memlab_opens_arrays_too(self) -> None:
        with memlab.open_array("emulator:?seed=7&chip=ta-hfo2") as array:
            array.program_row(0, gate_voltage=1.2)
            conductance = array.read_conductance()
        # 120 uS + 98 uS/V * 1.2 V, noise 4 uS (Li 2019); the other rows are as new.
        assert np.abs(conductance[0] - 237.6e-6).max() < 6 * 4e-6
        assert not conductance[1:].any()


WRONG = [
    "",
    ":",
    "serail:///dev/ttyACM0",
    "/dev/ttyACM0",
    "emulator://host",
    "emulator:chip=ideal",
    "emulator:/?chip=ideal",
    "ideal:64",
    "emulator://[",
]


class TestWrongUrls:
    @pytest.mark.parametrize("url", WRONG)
    def test_what_names_no_array_is_refused_before_anything_is_opened(self, url: str) -> None:
        for open_it in (check_url, open_array, open_board):
            with pytest.raises(SettingError):
                open_it(url)

    @pytest.mark.parametrize(
        ("url", "what"),
        [
            ("emulator:?seed=-1", "seed"),
            ("emulator:?seed=1.5", "seed"),
            ("emulator:?seed=", "seed"),
            ("emulator:?seed=seven", "seed"),
            ("emulator:?chip=", "unknown chip"),
            ("emulator:?chip=nothing", "nothing"),
            ("emulator:?chip=nowhere.toml", "nowhere"),
            ("emulator:?nosie=0", "nosie"),
            ("emulator:?self=1", "self"),
            ("emulator:?noise=loud", "noise"),
            ("emulator:?noise=-1", "noise"),
            ("emulator:?noise=nan", "noise"),
            ("emulator:?noise", "noise"),
            ("ideal:?rows=0", "rows"),
            ("ideal:?columns=-1", "columns"),
            ("ideal:?seed=1", "seed"),
            ("ideal:?rows=2&depth=3", "depth"),
        ],
    )
    def test_a_wrong_option_is_named(self, url: str, what: str) -> None:
        with pytest.raises(SettingError, match=what):
            open_array(url)

    def test_a_wrong_url_is_a_usage_error(self) -> None:
        with pytest.raises(SettingError) as caught:
            open_array("nonsense:")
        # Design 7: exit code 2 is usage.
        assert exit_code(caught.value) == 2
