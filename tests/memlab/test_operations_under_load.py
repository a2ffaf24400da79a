"""Operations say the load of their readings, and cells are verified under the load of their use."""

import json
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

import memlab
from memlab.array.board_array import BoardArray
from memlab.array.load_choice import select
from memlab.characterize.runner import plan_procedures, run_procedures
from memlab.chip.load import Load, load_of
from memlab.emulator import EmulatedBoard, load_preset
from memlab.errors import DataError, LoadWarning, SettingError
from memlab.mapping import SwitchingLaw, WriteVerify, write_verify
from memlab.mapping.switching import measure_switching_law
from memlab.operations import LoadChoice, ProgramConfig, multiply, program_target, read_map
from memlab.operations.beside import load_beside, write_beside
from memlab.passport import Passport, RowPulses
from memlab.passport.story import summary
from memlab.regions import Region
from memlab.runs import read_record
from memlab.twin import fit, load_runs
from memlab.twin.measured import simulate

URL = "emulator:?seed=4&chip=ideal&wires.resistance=1.0"
CORNER = Region(rows="0:9", columns="0:5")
ALONE = Load(tuple(range(9)), tuple(range(5)), (128, 64))
WHOLE = Load(tuple(range(128)), tuple(range(64)), (128, 64))


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def prepared(url: str = URL) -> BoardArray:
    array = memlab.open_array(url)
    assert isinstance(array, BoardArray)
    array.program(np.random.default_rng(0).uniform(0.7, 1.6, array.shape))
    return array


class TestRead:
    @pytest.mark.parametrize(
        ("choice", "load"), [(LoadChoice.SELECTION, ALONE), (LoadChoice.ARRAY, WHOLE)]
    )
    def test_document_and_file_say_the_load(self, choice: LoadChoice, load: Load) -> None:
        found = read_map(URL, CORNER, load=choice, out=Path("map.h5"), figure=False)
        assert found["load"] == load.document()
        with h5py.File("map.h5") as file:
            group = file["entry/map"]
            assert group["conductance"].shape == (9, 5)
            assert group.attrs["load"] == str(load)
            assert load_of(group.attrs) == load

    def test_products_too(self) -> None:
        np.save("volts.npy", np.full((3, 9), 0.1))
        for name, choice, load in (
            ("a.h5", LoadChoice.SELECTION, ALONE),
            ("b.h5", LoadChoice.ARRAY, WHOLE),
        ):
            found = multiply(
                Path("volts.npy"), URL, rows="0:9", columns="0:5", load=choice, out=Path(name)
            )
            assert found["load"] == load.document()
            with h5py.File(name) as file:
                assert load_of(file["entry/vmm"].attrs) == load

    def test_a_file_without_a_load_says_nothing_of_it(self) -> None:
        assert load_of({"signal": "conductance"}) is None


class TestProgram:
    def target(self) -> None:
        wanted = np.full((128, 64), np.nan)
        wanted[:9, :5] = np.random.default_rng(1).uniform(180e-6, 220e-6, (9, 5))
        np.save("target.npy", wanted)

    @pytest.mark.parametrize("law", ["chip", "measured"])
    @pytest.mark.parametrize(
        ("choice", "load"), [(LoadChoice.SELECTION, ALONE), (LoadChoice.ARRAY, WHOLE)]
    )
    def test_cells_are_verified_under_the_load_of_their_use(
        self, choice: LoadChoice, load: Load, law: str
    ) -> None:
        self.target()
        config = ProgramConfig(load=choice, law=law)
        found = program_target(Path("target.npy"), URL, config, out=Path("run.h5"), figure=False)
        assert found["load"] == load.document()
        assert found["done"] == 45
        with h5py.File("run.h5") as file:
            group = file["entry/program"]
            assert load_of(group.attrs) == load
            final = group["final"][:]
            assert final.shape == (128, 64)
            assert np.isfinite(final[:9, :5]).all()
            assert np.nanmax(np.abs(group["error"][:])) <= 10e-6

    def test_programmed_cells_are_right_where_they_are_used_and_only_there(self) -> None:
        array = BoardArray(
            EmulatedBoard(load_preset("ideal").replace(**{"wires.resistance": 1.0}), 1, (40, 30))
        )
        array.program(0.7)
        part = array[5:12, 20:30]
        law = SwitchingLaw(98e-6, 120e-6)
        settings = WriteVerify(tolerance=2e-6, correction=1.0)
        target = np.full((7, 10), 220e-6)
        write_verify(part, target, law, settings)
        assert np.abs(part.read_conductance() - 220e-6).max() <= 4e-6
        used = part.under(array)
        assert np.median(used.read_conductance()) < 0.95 * 220e-6
        write_verify(used, target, law, settings)
        assert np.abs(used.read_conductance() - 220e-6).max() <= 4e-6
        measured = [measure_switching_law(view, 0.7, 1.6) for view in (part, used)]
        assert measured[1].set_slope < 0.95 * measured[0].set_slope

    def test_views_are_read_each_under_its_own_load(self) -> None:
        array = BoardArray(
            EmulatedBoard(load_preset("ideal").replace(**{"wires.resistance": 1.0}), 1, (40, 30))
        )
        array.program(0.7)
        views = [array[[3, 1, 2], 4:9], array[20:40, 10:30]]
        target = np.full((40, 30), np.nan)
        for view in views:
            target[np.ix_(view.rows, view.columns)] = 200e-6
        settings = WriteVerify(tolerance=2e-6, correction=1.0)
        result = write_verify(array, target, SwitchingLaw(98e-6, 120e-6), settings, views=views)
        assert not result.failed.any()
        for view in views:
            assert np.abs(view.read_conductance() - 200e-6).max() <= 4e-6
        np.testing.assert_array_equal(np.isnan(result.conductance), np.isnan(target))


class TestPassport:
    def test_maps_say_their_loads_and_a_map_under_another_is_noted(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        url = f"{URL}&passport={Path('chip.passport').absolute()}"
        with prepared(url) as array:
            array[0:9, 0:5].read_conductance()
        with Passport.read(Path("chip.passport")) as passport:
            assert passport.last_map_loads == (ALONE,)
            assert summary(passport)["last_map"]["loads"] == [str(ALONE)]
        found = read_map(url, out=Path("map.npy"), figure=False)
        assert found["last_map"] == [str(ALONE)]
        (note,) = caplog.messages
        assert note.startswith("this map and the last one in the passport were read under diff")
        found = read_map(url, out=Path("again.npy"), figure=False)
        assert found["last_map"] == [str(WHOLE)]
        assert len(caplog.messages) == 1

    def test_a_passport_of_before_does_not_know(self, tmp_path: Path) -> None:
        path = tmp_path / "old.passport"
        with Passport(path, (4, 3)) as passport:
            passport.note_reading(np.arange(4), np.arange(3), np.full((4, 3), 1e-4))
        with Passport.read(path) as passport:
            assert passport.last_map_loads == ()
            assert passport.map_loads() == {1: None}
            assert summary(passport)["last_map"]["loads"] == "not recorded"

    def test_what_was_read_before_a_batch_keeps_the_load_of_the_cells_pulsed(
        self, tmp_path: Path
    ) -> None:
        one, other = Load((0, 1), (0, 1), (4, 3)), Load((0, 1, 2, 3), (0, 1, 2), (4, 3))
        with Passport(tmp_path / "chip.passport", (4, 3)) as passport:
            passport.note_reading(np.arange(4), np.arange(3), np.full((4, 3), 1e-4), other)
            passport.note_reading(np.arange(2), np.arange(2), np.full((2, 2), 1e-4), one)
            cells = {(0, 1): (one,), (3, 1): (other,), (0, 2): (other,)}
            for (row, column), loads in cells.items():
                columns = np.zeros((1, 3), bool)
                columns[0, column] = True
                pulses = RowPulses(
                    row=np.array([row]),
                    kind=np.zeros(1, np.uint8),
                    columns=columns,
                    amplitude=np.full(1, 2.5),
                    width=np.full(1, 1e-6),
                    gate_voltage=np.full((1, 3), 1.0),
                )
                number = passport.enter(pulses).number
                batch = next(b for b in passport.ledger.doubtful() if b.number == number)
                assert passport.ledger.loads_before(batch) == loads
            assert passport.map_loads() == {}
        with Passport.read(tmp_path / "chip.passport") as passport:
            assert passport.map_loads() == {1: (other, one)}

    def test_a_fault_map_says_under_which_load_it_was_found(self, tmp_path: Path) -> None:
        load = Load((0, 1), (2,), (4, 3))
        with Passport(tmp_path / "chip.passport", (4, 3)) as passport:
            passport.set_mask("pass", np.ones((4, 3), bool), load)
            passport.set_mask("noisy", np.ones((4, 3), bool))
            assert (passport.mask_load("pass"), passport.mask_load("noisy")) == (load, None)
            assert summary(passport)["mask_loads"] == {"noisy": "not recorded", "pass": str(load)}


class TestProcedures:
    def test_a_record_has_its_load(self) -> None:
        plans = plan_procedures(["linearity"], board=URL, out=Path("run.h5"))
        region = Region(rows="3:7", columns="2,5")
        (found,) = run_procedures(plans, URL, region, figure=False)
        record = read_record(Path("run.h5"))
        expected = Load((3, 4, 5, 6), (2, 5), (128, 64))
        assert record.load == expected
        assert record.readings.measurements[0].load == expected
        assert record.vectors.measurements[0].load == expected
        assert found["run"] == "run.h5"
        # Twins are read as the chip was; a load that cannot be chosen is warned of.
        (run,) = load_runs([Path("run.h5")])
        wide = Load(tuple(range(20)), tuple(range(2, 9)), (128, 64))
        wider = replace(run, record=replace(run.record, load=wide))
        ((_, twin),) = simulate([wider], load_preset("ideal"), 0)
        assert twin.readings.measurements[0].load == wide
        halves = replace(run, record=replace(run.record, load=replace(expected, parts=2)))
        with pytest.warns(LoadWarning, match=r"chip \(run.h5\) and twin"):
            simulate([halves], load_preset("ideal"), 0)
        with pytest.warns(LoadWarning, match="these runs"), pytest.raises(DataError):
            fit([run, wider], load_preset("ideal"))
        old = replace(run, record=replace(run.record, load=None))
        ((_, twin),) = simulate([old], load_preset("ideal"), 0)
        assert twin.readings.measurements[0].load == expected


class TestCharacterize:
    """Procedures read under the load that is asked for, and a resumed one under the same."""

    @pytest.mark.parametrize(
        ("settings", "load"), [([], ALONE), (["load=selection"], ALONE), (["load=array"], WHOLE)]
    )
    def test_readings_and_file_have_the_load(self, settings: list[str], load: Load) -> None:
        plans = plan_procedures(
            ["variation"], settings=["cycles=2", *settings], out=Path("run.h5"), board=URL
        )
        (document,) = run_procedures(plans, URL, CORNER, figure=False)
        record = read_record(Path("run.h5"))
        assert record.load == load
        assert document["results"]["set_high_level"]["n"] == 45

    def test_cells_read_lower_under_the_whole_array(self) -> None:
        levels = []
        for choice in LoadChoice:
            with memlab.open_array(URL) as array:
                array.program(1.6)
                view = select(array, np.arange(9), np.arange(5), choice)
                levels.append(np.median(view.read_conductance()))
        assert levels[0] > 1.1 * levels[1]

    @pytest.mark.parametrize(
        ("name", "settings"),
        [("wires", []), ("linearity", []), ("vmm-accuracy", ["wire_resistance=0.3"])],
    )
    def test_what_reckons_with_wires_refuses_cells_that_it_does_not_know(
        self, name: str, settings: list[str]
    ) -> None:
        plans = plan_procedures([name], settings=["load=array", *settings], out=Path("run.h5"))
        with pytest.raises(SettingError, match="reckons with what wires take"):
            run_procedures(plans, URL, CORNER, figure=False)
        assert not Path("run.h5").exists()


class TestNumbersAlone:
    """What lies beside a .npy file, which numpy loads as ever."""

    @pytest.mark.parametrize(
        ("choice", "load"), [(LoadChoice.SELECTION, ALONE), (LoadChoice.ARRAY, WHOLE)]
    )
    def test_the_load_of_a_map_lies_beside_it(self, choice: LoadChoice, load: Load) -> None:
        read_map(URL, CORNER, load=choice, out=Path("map.npy"), figure=False)
        assert np.load("map.npy").shape == (128, 64)
        assert load_beside(Path("map.npy")) == load
        told = json.loads(Path("map.npy.json").read_text())
        assert (told["units"], told["n"], told["of"]) == ("S", 45, "cells read")
        np.save("volts.npy", np.full((3, 9), 0.1))
        lines = {"rows": "0:9", "columns": "0:5"}
        multiply(Path("volts.npy"), URL, **lines, load=choice, out=Path("amps.npy"))
        assert load_beside(Path("amps.npy")) == load

    def test_nothing_is_known_of_numbers_that_were_written_over_or_come_from_elsewhere(
        self,
    ) -> None:
        read_map(URL, CORNER, out=Path("map.npy"), figure=False)
        np.save("map.npy", np.load("map.npy") + 1e-6)
        np.save("other.npy", np.zeros(3))
        assert load_beside(Path("map.npy")) is load_beside(Path("other.npy")) is None

    @pytest.mark.parametrize("text", ["", "[1]", '{"load": {}}'])
    def test_another_file_beside_is_refused_in_one_line(self, text: str) -> None:
        np.save("map.npy", np.zeros(3))
        Path("map.npy.json").write_text(text)
        with pytest.raises(DataError, match=r"map\.npy\.json does not say") as refused:
            load_beside(Path("map.npy"))
        assert "\n" not in str(refused.value)

    def test_programming_to_a_map_that_was_read_under_another_load_warns(self) -> None:
        passport = f"{URL}&passport=chip"
        read_map(URL, CORNER, load=LoadChoice.ARRAY, out=Path("map.npy"), figure=False)
        wanted = np.load("map.npy")
        wanted[:9, :5] = 2e-4  # what a chip that was never SET has cannot be a target
        np.save("map.npy", wanted)
        one = ProgramConfig()
        program_target(Path("map.npy"), passport, one, out=Path("same.h5"), figure=False)
        write_beside(Path("map.npy"), WHOLE)
        with pytest.warns(LoadWarning, match=r"map\.npy and the readings that verify it"):
            program_target(Path("map.npy"), passport, one, out=Path("other.h5"), figure=False)
        config = ProgramConfig(load=LoadChoice.ARRAY)
        program_target(Path("map.npy"), passport, config, out=Path("whole.h5"), figure=False)
