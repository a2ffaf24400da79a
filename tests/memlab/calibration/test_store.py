"""Versions of calibrations on disk."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from memlab.calibration import Calibration, CalibrationRecord
from memlab.calibration.store import CalibrationStore, find_calibration
from memlab.emulator import EmulatedBoard, load_preset
from memlab.errors import DataError, SettingError


def some_calibration(serial: str = "ta-hfo2-1") -> Calibration:
    rng = np.random.default_rng(4)
    nominal = CalibrationRecord.nominal(128, 64, (1e3, 1e4, 1e5, 1e6))
    record = replace(nominal, row_offset=1e-3 * rng.standard_normal(128))
    uncertainty = replace(nominal, row_gain=np.full(128, np.nan), row_offset=rng.random(128) * 1e-6)
    return Calibration(
        record, uncertainty, serial, "2026-11-24T15:00:00+00:00", "by hand", "memlab 0"
    )


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CalibrationStore:
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "state"))
    return CalibrationStore("ta-hfo2-1")


class TestVersions:
    def test_a_calibration_comes_back_to_the_last_bit(self, store: CalibrationStore) -> None:
        stored = store.add(some_calibration())
        back = store.load(1)
        assert (stored.version, back.version, back.method) == (1, 1, "by hand")
        for part in ("record", "uncertainty"):
            for name, values in getattr(stored, part).arrays().items():
                np.testing.assert_array_equal(getattr(getattr(back, part), name), values)

    def test_each_one_is_a_new_version_and_in_use(self, store: CalibrationStore) -> None:
        assert store.used == 0
        for expected in (1, 2, 3):
            assert store.add(some_calibration()).version == expected
            assert store.used == expected
        assert [one.version for one in store.versions()] == [1, 2, 3]

    def test_undo_goes_back_step_by_step(self, store: CalibrationStore) -> None:
        store.add(some_calibration())
        store.add(some_calibration())
        store.use(0)
        assert (store.undo(), store.used) == (2, 2)
        assert (store.undo(), store.used) == (1, 1)
        assert (store.undo(), store.used) == (0, 0)
        with pytest.raises(SettingError, match="nothing to undo"):
            store.undo()
        assert [one.version for one in store.versions()] == [1, 2]

    def test_a_version_that_is_not_there(self, store: CalibrationStore) -> None:
        store.add(some_calibration())
        with pytest.raises(SettingError, match=r"no calibration 3; there is 1$"):
            store.use(3)
        assert store.used == 1

    def test_boards_do_not_share(self, store: CalibrationStore) -> None:
        store.add(some_calibration())
        other = CalibrationStore("/dev/ttyUSB0")
        assert (other.used, other.versions()) == (0, [])
        other.add(some_calibration("/dev/ttyUSB0"))
        assert other.directory.parent == store.directory.parent
        assert store.used == 1

    def test_a_damaged_file_is_named(self, store: CalibrationStore) -> None:
        store.add(some_calibration())
        file = store.directory / "0001.json"
        for text, what in (("{", "delimiter|property"), ("[]", "object"), ("{}", "no 'format'")):
            file.write_text(text)
            with pytest.raises(DataError, match=rf"0001\.json is not a calibration.*{what}"):
                store.load(1)
        (store.directory / "used.json").write_text("[1, x]")
        with pytest.raises(DataError, match=r"used\.json.*--use"):
            _ = store.used

    def test_a_state_directory_that_cannot_be_written(self, tmp_path: Path) -> None:
        file = tmp_path / "file"
        file.write_text("")
        with pytest.raises(DataError, match="MEMLAB_STATE"):
            CalibrationStore("x", file).add(some_calibration("x"))


class TestChoice:
    def test_none_the_one_in_use_a_number_and_a_file(
        self, store: CalibrationStore, tmp_path: Path
    ) -> None:
        assert find_calibration("latest", store.serial) is None
        store.add(some_calibration())
        store.add(some_calibration())
        store.use(1)
        file = tmp_path / "mine.json"
        file.write_text(json.dumps(some_calibration().document()))
        found = [
            find_calibration(choice, store.serial) for choice in ("none", "latest", "2", str(file))
        ]
        assert [one and one.version for one in found] == [None, 1, 2, 0]


class TestCheck:
    def able(self, seed: int = 1) -> EmulatedBoard:
        return EmulatedBoard(load_preset("ta-hfo2"), seed)

    def test_another_board_is_refused(self) -> None:
        with pytest.raises(SettingError, match="belongs to board ta-hfo2-1, this is board"):
            some_calibration().check(self.able(seed=2).capabilities)

    def test_another_shape_is_refused(self) -> None:
        board = EmulatedBoard(load_preset("ta-hfo2"), 1, (64, 128))
        calibration = replace(some_calibration(), serial=board.capabilities.calibrated_as)
        with pytest.raises(SettingError, match=r"shape \(128,\); this board needs \(64,\)"):
            calibration.check(board.capabilities)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("row_offset", 0.2),
            ("row_gain", -0.5),
            ("row_inl", np.nan),
            ("amplifier_offset", 1.0),
            ("adc_offset", 5000.0),
            ("transimpedance", 1.0),
        ],
    )
    def test_numbers_that_no_working_board_has_are_refused(self, name: str, value: float) -> None:
        good = some_calibration()
        values = getattr(good.record, name).copy()
        values.flat[3] = value
        bad = replace(good, record=replace(good.record, **{name: values}))
        good.check(self.able().capabilities)
        with pytest.raises(SettingError, match="calibrate again"):
            bad.check(self.able().capabilities)


class TestDamage:
    def test_any_other_digit_is_seen_and_a_file_without_checksum_is_read(
        self, store: CalibrationStore
    ) -> None:
        store.add(some_calibration())
        path = store.directory / "0001.json"
        whole = path.read_text()
        first = whole.index("row_offset")
        place = next(k for k in range(first, len(whole)) if whole[k] in "12345678")
        path.write_text(whole[:place] + "9" + whole[place + 1 :])
        with pytest.raises(DataError, match="damaged or was changed"):
            store.load(1)
        earlier = json.loads(whole)
        del earlier["checksum"]
        path.write_text(json.dumps(earlier))
        assert store.load(1).method == "by hand"

    @pytest.mark.parametrize(
        "content",
        [
            "",
            "[" * 100_000,
            "[]",
            "{}",
            '{"format": "memlab calibration 1", "record": []}',
            '{"format": "memlab calibration 1", "record": {"row_offset": [1e999, 1'
            + "0" * 400
            + "]}}",
            "1" * 5000,
            "\udcff",
        ],
    )
    def test_what_is_no_calibration_is_a_data_error(
        self, content: str, store: CalibrationStore
    ) -> None:
        store.add(some_calibration())
        (store.directory / "0001.json").write_text(content, "utf-8", "surrogateescape")
        with pytest.raises(DataError, match=r"0001\.json is not a calibration"):
            store.load(1)

    @pytest.mark.parametrize(
        ("name", "value"),
        [("version", "two"), ("serial", 5), ("details", []), ("date", None), ("software", {})],
    )
    def test_plain_values_have_their_kinds(
        self, name: str, value: object, store: CalibrationStore
    ) -> None:
        store.add(some_calibration())
        path = store.directory / "0001.json"
        document = json.loads(path.read_text())
        del document["checksum"]
        path.write_text(json.dumps({**document, name: value}))
        with pytest.raises(DataError, match=f"not a calibration: {name} is"):
            store.load(1)

    @pytest.mark.parametrize(
        "content", ["", "5", "[1e999]", '["1"]', "[-1]", "[true]", "[" * 100_000, '{"1": 2}']
    )
    def test_a_list_of_versions_in_use_that_is_none(
        self, content: str, store: CalibrationStore
    ) -> None:
        store.add(some_calibration())
        (store.directory / "used.json").write_text(content)
        with pytest.raises(DataError, match=r"used\.json cannot be read"):
            _ = store.used
