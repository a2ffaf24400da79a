"""One file per chip: what procedures find out stays, budgets hold, and wrong files are refused."""

import os
import re
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from support.passports import SET, SHAPE, new_passport, row_pulses

from drivers.board import Board
from memlab import open_array
from memlab.array.board_array import BoardArray
from memlab.emulator import EmulatedBoard, load_preset
from memlab.errors import DataError, LimitError, MemlabError, SettingError, exit_code
from memlab.passport import Budgets, Passport
from memlab.passport.location import default_path

FILE = "chip.passport"


class TestFindings:
    def test_masks_lines_and_calibration_are_there_at_the_next_opening(
        self, tmp_path: Path
    ) -> None:
        stuck, rows = np.eye(*SHAPE, dtype=bool), np.array([1, 0, 1, 1, 0], bool)
        with new_passport(tmp_path) as passport:
            assert [lines.size for lines in passport.good_lines] == [5, 3]
            passport.set_mask("stuck high", ~stuck)
            passport.set_mask("stuck high", stuck)
            passport.set_mask("good rows", rows)
            passport.calibration = "2026-11-24.1"
        with Passport.read(tmp_path / FILE) as passport:
            np.testing.assert_array_equal(passport.masks()["stuck high"], stuck)
            assert [lines.tolist() for lines in passport.good_lines] == [[0, 2, 3], [0, 1, 2]]
            assert passport.calibration == "2026-11-24.1"

    @pytest.mark.parametrize(
        ("name", "mask"),
        [
            ("good rows", np.ones(3, bool)),
            ("good columns", np.ones(5, bool)),
            ("noisy", np.ones((3, 5), bool)),
            ("noisy", np.ones(SHAPE)),
        ],
    )
    def test_a_mask_of_another_shape_is_refused(
        self, name: str, mask: np.ndarray, tmp_path: Path
    ) -> None:
        with new_passport(tmp_path) as passport, pytest.raises(SettingError, match=name):
            passport.set_mask(name, mask)

    def test_good_lines_make_a_view_of_the_array(self, tmp_path: Path) -> None:
        with new_passport(tmp_path) as passport:
            passport.set_mask("good columns", np.array([True, False, True]))
            good = open_array("ideal:?rows=5&columns=3")[passport.good_lines]
        assert good.columns.tolist() == [0, 2]

    def test_each_run_keeps_the_last_map_that_it_read_and_no_more(self, tmp_path: Path) -> None:
        first, rows, columns = np.full((2, 3), 1e-4), np.array([1, 4]), np.arange(3)
        with new_passport(tmp_path) as passport:
            passport.begin_run("one")
            passport.note_reading(rows, columns, np.zeros((2, 3)))
            passport.note_reading(rows, columns, first)
            passport.begin_run("two")
            passport.note_reading(np.array([1]), np.array([2]), np.array([[3e-4]]))
        with Passport.read(tmp_path / FILE) as passport:
            (run_one, _, one), (run_two, _, two) = passport.maps()
            labels = passport.runs()
            np.testing.assert_allclose(passport.ledger.totals.known[1], [1e-4, 1e-4, 3e-4])
        assert (labels[run_one]["label"], labels[run_two]["label"]) == ("one", "two")
        np.testing.assert_allclose(one[rows], first, rtol=1e-7)
        assert np.isnan(one[[0, 2, 3]]).all()
        assert np.isfinite(two).sum() == 1

    def test_an_array_notes_what_it_reads(self, tmp_path: Path) -> None:
        url = f"emulator:?chip=ideal&passport={tmp_path / FILE}"
        with open_array(url) as array:
            array.program(1.0)
            part = array[3:5, [7, 2]].read_conductance()
        with Passport.read(tmp_path / FILE) as passport:
            ((_, _, conductance),) = passport.maps()
        np.testing.assert_allclose(conductance[3:5][:, [7, 2]], part, rtol=1e-7)
        assert np.isfinite(conductance).sum() == 4


class TestForming:
    def test_a_formed_cell_is_not_formed_again(self, tmp_path: Path) -> None:
        rows, columns = np.array([4, 1]), np.array([0, 2])
        cells = np.array([[True, False], [False, True]])
        with new_passport(tmp_path) as passport:
            passport.check_forming(cells, rows, columns)
            passport.mark_formed(cells, rows, columns)
        with new_passport(tmp_path) as passport:
            assert np.argwhere(passport.formed).tolist() == [[1, 2], [4, 0]]
            passport.check_forming(~cells, rows, columns)
            with pytest.raises(LimitError, match=r"cell \[1, 2\] \(and 1 more cells\)"):
                passport.check_forming(passport.formed)

    def test_forming_again_can_be_allowed(self, tmp_path: Path) -> None:
        with new_passport(tmp_path, budgets={"forming": 2}) as passport:
            one = np.zeros(SHAPE, bool)
            one[3, 1] = True
            for _ in range(2):
                passport.check_forming(one)
                passport.mark_formed(one)
            with pytest.raises(LimitError, match="has had 2 formings"):
                passport.check_forming(one)


class TestBudgets:
    @pytest.mark.parametrize(
        ("budgets", "allowed"),
        [
            (Budgets(set=4), 4),
            (Budgets(set=4, pulses=3), 3),
            (Budgets(pulses=5, reset=0), 5),
            (Budgets(set=None, energy=2.5**2 * 1e-4 * 1e-6 * 2.5), 2),
            (Budgets(set=0), 0),
        ],
        ids=str,
    )
    def test_the_pulse_that_would_be_one_too_many_is_refused_and_not_entered(
        self, budgets: Budgets, allowed: int, tmp_path: Path
    ) -> None:
        with new_passport(tmp_path) as passport:
            passport.store_budgets(budgets)
            for _ in range(allowed):
                passport.enter(row_pulses((SET, 3, [1, 2])))
            with pytest.raises(LimitError, match=r"cell \[3, 1\] \(and 1 more cells\)"):
                passport.enter(row_pulses((SET, 3, [1, 2])))
            assert len(passport.ledger.open_batches) == allowed

    def test_the_refusal_names_cell_count_budget_and_what_to_do(self, tmp_path: Path) -> None:
        with new_passport(tmp_path) as passport:
            passport.store_budgets(Budgets(set=1))
            passport.enter(row_pulses((SET, 4, [2])))
            with pytest.raises(LimitError) as refused:
                passport.enter(row_pulses((SET, 0, [0]), (SET, 4, [2])))
        assert str(refused.value) == (
            "cell [4, 2] has had 1 SETs, 1 more would go over its budget of 1. Nothing was sent. "
            "Leave these cells out, or look at them and raise the budget: "
            f"memlab chip budget {tmp_path / FILE} --set N"
        )
        assert exit_code(refused.value) == 4

    def test_a_cell_over_its_budget_does_not_stop_the_others(self, tmp_path: Path) -> None:
        with new_passport(tmp_path) as passport:
            for _ in range(3):
                passport.enter(row_pulses((SET, 4, [2])))
            passport.store_budgets(Budgets(set=2))
            passport.enter(row_pulses((SET, 4, [1])))
            assert passport.ledger.totals.doubtful[SET, 4].tolist() == [0, 1, 3]

    def test_they_hold_over_runs_and_programs(self, tmp_path: Path) -> None:
        url = f"emulator:?chip=ideal&passport={tmp_path / FILE}"
        for _ in range(2):
            with open_array(url) as array:
                assert array.passport is not None
                array.passport.store_budgets(Budgets(set=2))
                array[5].program(1.0)
        with open_array(url) as array:
            assert isinstance(array, BoardArray)
            array[4].program(1.0)
            before = array.read_conductance()
            with pytest.raises(LimitError, match=r"cell \[5, 0\] \(and 63 more cells\)"):
                array[4:6].program(2.0)
            np.testing.assert_array_equal(array.read_conductance(), before)
        with open_array(f"{url}&budget.set=3") as array:  # for this opening only
            array[5].program(1.0)
        with Passport.read(tmp_path / FILE) as passport:
            assert passport.budgets == Budgets(set=2)

    @pytest.mark.parametrize(
        "option",
        [
            "budget.sets=3",
            "budget.set=-1",
            "budget.set=1.5",
            "budget.energy=much",
            "budget.set=nan",
            "budget.set=",
            "passport=",
        ],
    )
    def test_a_wrong_option_is_refused_before_anything_is_opened(
        self, option: str, tmp_path: Path
    ) -> None:
        url = f"emulator:?passport={tmp_path / FILE}&{option}"
        with pytest.raises(SettingError):
            open_array(url)
        assert not list(tmp_path.iterdir())

    def test_a_budget_needs_a_passport(self) -> None:
        with pytest.raises(SettingError, match="passport=FILE"):
            open_array("emulator:?budget.set=3")
        with pytest.raises(SettingError, match="passport=FILE"):
            open_array("emulator:?budget.set=3&passport=none")


class TestFiles:
    def test_an_emulated_board_has_a_passport_only_when_asked(self) -> None:
        for url in ("emulator:", "emulator:?passport=none", "ideal:"):
            with open_array(url) as array:
                assert array.passport is None

    def test_a_path_with_spaces_and_signs_can_be_written_in_a_url(self, tmp_path: Path) -> None:
        path = tmp_path / "chip 7 & co.passport"
        with open_array(f"emulator:?passport={tmp_path}/chip%207%20%26%20co.passport"):
            assert path.is_file()

    @pytest.mark.parametrize("serial", ["dpe+serial://COM4?line_pause=0", "../../x", "ta-hfo2-7"])
    def test_a_serial_number_makes_one_file_in_the_state_directory(
        self, serial: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MEMLAB_STATE", str(tmp_path))
        path = default_path(serial)
        assert path.parent == tmp_path
        assert re.fullmatch(r"passport-[\w.-]+\.sqlite", path.name)

    def test_a_second_program_is_refused_and_may_still_look(self, tmp_path: Path) -> None:
        with new_passport(tmp_path) as passport:
            passport.enter(row_pulses((SET, 0, [1])))
            with pytest.raises(MemlabError, match="in use by another program") as refused:
                new_passport(tmp_path)
            assert exit_code(refused.value) == 3
            with Passport.read(tmp_path / FILE) as look:
                assert look.ledger.totals.doubtful[SET, 0].tolist() == [0, 1, 0]
        new_passport(tmp_path).close()

    def test_a_second_name_is_the_same_passport(self, tmp_path: Path) -> None:
        link, path = tmp_path / "link", tmp_path / FILE
        link.symlink_to(FILE)
        with Passport(link, SHAPE) as passport:
            assert passport.path == path
            assert path.is_file()
            with pytest.raises(MemlabError, match="in use by another program"):
                new_passport(tmp_path)
        with new_passport(tmp_path) as passport:
            passport.enter(row_pulses((SET, 0, [1])))
            with pytest.raises(MemlabError, match="in use by another program"):
                Passport(link, SHAPE)
            with Passport.read(link) as look:
                assert look.ledger.totals.doubtful[SET, 0].tolist() == [0, 1, 0]
            os.link(path, tmp_path / "second")
            with pytest.raises(DataError, match="has a second name") as refused:
                Passport(tmp_path / "second", SHAPE)
            assert "\n" not in str(refused.value)
        with pytest.raises(DataError, match="has a second name"):
            new_passport(tmp_path)
        (tmp_path / "second").unlink()
        new_passport(tmp_path).close()

    def test_a_board_is_closed_when_its_passport_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / FILE).write_text("not a database, but long enough to look like one" * 100)
        opened: list[Board] = []

        def watch(*_: object) -> tuple[Board, None]:
            opened.append(EmulatedBoard(load_preset("ideal"), 0))
            return opened[0], None

        monkeypatch.setattr("memlab.array.urls._open_board", watch)
        with pytest.raises(DataError, match="is not a chip passport"):
            open_array(f"emulator:?passport={tmp_path / FILE}")
        with pytest.raises(MemlabError, match="closed"):
            opened[0].ground()

    def test_a_database_of_another_program_is_left_as_it_is(self, tmp_path: Path) -> None:
        with sqlite3.connect(tmp_path / FILE) as other:
            other.execute("CREATE TABLE photos(name)")
        other.close()
        before = (tmp_path / FILE).read_bytes()
        with pytest.raises(DataError, match="is not a chip passport"):
            new_passport(tmp_path)
        assert (tmp_path / FILE).read_bytes() == before

    def test_a_damaged_passport_is_one_clear_error_wherever_the_damage_is(
        self, tmp_path: Path
    ) -> None:
        with new_passport(tmp_path) as passport:
            for _ in range(50):
                batch = passport.enter(row_pulses((SET, 0, [1])))
                passport.ledger.settle(batch, np.ones(1, np.uint8))
        whole = (tmp_path / FILE).read_bytes()
        refused = 0
        for start in range(0, len(whole), 4096):
            damaged = bytearray(whole)
            damaged[start : start + 4096] = b"\xa5" * len(damaged[start : start + 4096])
            (tmp_path / FILE).write_bytes(damaged)
            try:
                with Passport.read(tmp_path / FILE) as passport:
                    list(passport.ledger.batches())
            except DataError as error:
                refused += str(tmp_path / FILE) in str(error)
        # Pages of masks and formings are empty here, and nobody looks into them.
        assert refused > len(whole) / 4096 / 2

    def test_a_cut_passport_is_one_clear_error(self, tmp_path: Path) -> None:
        new_passport(tmp_path).close()
        whole = (tmp_path / FILE).read_bytes()
        (tmp_path / FILE).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(DataError, match=FILE):
            new_passport(tmp_path)

    def test_a_passport_of_another_size_is_refused(self, tmp_path: Path) -> None:
        new_passport(tmp_path).close()
        with pytest.raises(DataError, match="5 x 3 chip; this board has 128 x 64"):
            open_array(f"emulator:?passport={tmp_path / FILE}")

    def test_one_that_cannot_be_written_says_what_to_do(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(DataError, match="passport=none"):
            open_array(f"emulator:?passport={tmp_path}/file/chip.passport")

    def test_a_later_format_is_not_guessed_at(self, tmp_path: Path) -> None:
        new_passport(tmp_path).close()
        with sqlite3.connect(tmp_path / FILE) as file:
            file.execute("PRAGMA user_version = 3")
        file.close()
        with pytest.raises(DataError, match="format 3"):
            new_passport(tmp_path)

    def test_looking_at_one_that_is_not_there_makes_none(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="there is no chip passport"):
            Passport.read(tmp_path / FILE)
        assert not list(tmp_path.iterdir())

    def test_the_default_is_to_form_once_and_to_set_at_most_1e5_times(self) -> None:
        assert (Budgets().forming, Budgets().set) == (1, 100_000)
