"""Chip presets: the built-in ones carry the published numbers, a wrong file says what is wrong."""

from pathlib import Path

import pytest

from memlab.chip.limits import Limits
from memlab.emulator import ChipPreset, EmulatedBoard, load_preset
from memlab.emulator.preset import BUILT_IN, FRESH, PASSIVE, preset_rows, timing_settings
from memlab.errors import SettingError

GOOD = {
    "name": '"mine"',
    "source": '"by hand"',
    "set_slope": "1e-4",
    "set_offset": "0.0",
    "reset_conductance": "0.0",
    "noise": "1e-6",
    "non_responsive": "0.1",
}


def write(folder: Path, **changes: str | None) -> str:
    values = {**GOOD, **changes}
    file = folder / "mine.toml"
    file.write_text("".join(f"{key} = {text}\n" for key, text in values.items() if text))
    return str(file)


@pytest.mark.parametrize("name", [*BUILT_IN, *FRESH, *PASSIVE])
def test_a_built_in_preset_says_its_name_and_its_source(name: str) -> None:
    preset = load_preset(name)
    assert preset.name == name
    assert preset.source


@pytest.mark.parametrize("name", FRESH)
def test_a_fresh_chip_is_another_one_whose_cells_are_unformed(name: str) -> None:
    fresh, formed = load_preset(name), load_preset(name.removeprefix("fresh-"))
    assert not EmulatedBoard(fresh, 3, (6, 4)).chip.formed.any()
    assert EmulatedBoard(formed, 3, (6, 4)).chip.formed.all()
    same = {"name", "source", "forming"}
    assert fresh.model_dump(exclude=same) == formed.model_dump(exclude=same)
    assert fresh.forming.voltage + 4 * fresh.forming.spread < Limits().set_voltage


@pytest.mark.parametrize(
    ("name", "slope", "offset", "noise", "non_responsive"),
    # Experiments reference 2: Li 2019 and Wang 2019 (noise of the text, 10 uS).
    [
        ("ta-hfo2", 98e-6, 120e-6, 4e-6, 0.0),
        ("pt-taox-ta", 200e-6 / 1.1, 0.0, 10e-6, 0.11),
        ("ideal", 98e-6, 120e-6, 0.0, 0.0),
    ],
)
def test_built_in_presets_carry_the_published_numbers(
    name: str, slope: float, offset: float, noise: float, non_responsive: float
) -> None:
    preset = load_preset(name)
    assert preset.set_slope == pytest.approx(slope, rel=1e-12)
    assert preset.set_offset == offset
    assert preset.reset_conductance == 0.0
    assert preset.noise == noise
    assert preset.non_responsive == non_responsive


@pytest.mark.parametrize("name", ["", "Ideal", "ta_hfo2", "../presets/ideal"])
def test_an_unknown_name_is_refused_and_the_known_ones_are_listed(name: str) -> None:
    with pytest.raises(SettingError, match="ideal, ta-hfo2, pt-taox-ta"):
        load_preset(name)


def test_a_file_of_ones_own_is_read(tmp_path: Path) -> None:
    preset = load_preset(write(tmp_path))
    assert (preset.name, preset.set_slope, preset.non_responsive) == ("mine", 1e-4, 0.1)


def test_a_file_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="nowhere"):
        load_preset(str(tmp_path / "nowhere.toml"))


def test_a_folder_is_no_preset(tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(SettingError, match="folder"):
        load_preset(str(tmp_path / "folder.toml"))


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingError, match="not valid TOML"):
        load_preset(str(tmp_path / "mine.toml"))


def test_a_file_that_is_not_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="not valid TOML"):
        load_preset(write(tmp_path, noise="4 uS"))


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("set_slope", "-1e-6"),
        ("set_slope", "6e-3"),
        ("set_offset", "1.0"),
        ("reset_conductance", "-1e-9"),
        ("noise", "-4e-6"),
        ("noise", "nan"),
        ("noise", "inf"),
        ("noise", '"loud"'),
        ("non_responsive", "1.1"),
        ("name", "3"),
        ("nosie", "1e-6"),
        ("source", None),
    ],
)
def test_a_wrong_unknown_or_missing_parameter_is_named(
    tmp_path: Path, key: str, text: str | None
) -> None:
    with pytest.raises(SettingError, match=f"{key}: "):
        load_preset(write(tmp_path, **{key: text}))


def test_replace_changes_a_copy() -> None:
    preset = load_preset("ta-hfo2")
    changed = preset.replace(noise=0.0)
    assert (preset.noise, changed.noise) == (4e-6, 0.0)
    assert changed == ChipPreset.model_validate({**preset.model_dump(), "noise": 0.0})


@pytest.mark.parametrize("changes", [{"noise": -1.0}, {"nosie": 1.0}, {"noise": None}])
def test_replace_refuses_what_a_file_may_not_hold(changes: dict[str, object]) -> None:
    with pytest.raises(SettingError, match=next(iter(changes))):
        load_preset("ta-hfo2").replace(**changes)


@pytest.mark.parametrize("name", [*BUILT_IN, *FRESH, *PASSIVE])
def test_every_parameter_has_a_unit_a_meaning_and_a_source(name: str) -> None:
    rows = preset_rows(name)
    names = [row.name for row in rows]
    assert len(set(names)) == len(names)
    for row in rows:
        assert row.description, row.name
        assert row.source, row.name
        assert row.unit or row.name in ("name", "source", "shape"), row.name


def test_rows_name_the_source_of_each_number() -> None:
    rows = {row.name: row for row in preset_rows("ta-hfo2-full")}
    assert "Li et al." in rows["set_slope"].source
    assert rows["wires.resistance"].value == 0.3
    assert "0.3 ohm" in rows["wires.resistance"].source
    assert "assumed" in rows["drift.relaxation"].source
    assert "ADC" in rows["board.adc.noise"].source
    worst = {row.name: row for row in preset_rows("worst-case")}
    # A changed number does not keep the source of the one that it replaced.
    assert "ADC" not in worst["board.adc.noise"].source


def test_published_presets_have_ideal_wires_and_an_ideal_board() -> None:
    for name in ("ideal", "ta-hfo2", "pt-taox-ta"):
        preset = load_preset(name)
        assert not preset.wires.active
        assert preset.board == load_preset("ideal").board
        assert preset.board.adc.noise == preset.board.dac.offset == 0.0


def test_replace_takes_dotted_names() -> None:
    preset = load_preset("ta-hfo2").replace(**{"wires.resistance": 0.3, "board.adc.noise": "0.5"})
    assert (preset.wires.resistance, preset.board.adc.noise) == (0.3, 0.5)
    for wrong in ("wires.length", "wire.resistance", "wires", "noise.level"):
        with pytest.raises(SettingError, match=wrong):
            preset.replace(**{wrong: 1.0})


def test_a_file_may_extend_presets_and_other_files(tmp_path: Path) -> None:
    (tmp_path / "noisy.toml").write_text('noise = 7e-6\n[sources]\nnoise = "measured"\n')
    file = tmp_path / "mine.toml"
    file.write_text(
        'name = "mine"\nsource = "by hand"\nextends = ["pt-taox-ta-full", "noisy.toml"]\n'
        "[wires]\nresistance = 0.5\n"
    )
    preset = load_preset(str(file))
    assert (preset.name, preset.noise, preset.wires.resistance) == ("mine", 7e-6, 0.5)
    assert preset.wires.driver_resistance == load_preset("pt-taox-ta-full").wires.driver_resistance
    assert {row.name: row.source for row in preset_rows(str(file))}["noise"] == "measured"


def test_a_file_without_a_name_is_not_taken_for_the_chip_it_starts_from(tmp_path: Path) -> None:
    (tmp_path / "part.toml").write_text('extends = ["ta-hfo2-full"]\nnoise = 7e-6\n')
    file = tmp_path / "fresh die 2.toml"
    file.write_text('extends = ["part.toml"]\n[forming]\nvoltage = 2.6\n')
    board = EmulatedBoard(load_preset(str(file)), 7)
    assert board.capabilities.serial == "fresh-die-2-7"


@pytest.mark.parametrize("extends", ['"mine.toml"', '["ideal", "mine.toml"]', "3", "[3]"])
def test_a_preset_cannot_extend_itself_or_a_number(tmp_path: Path, extends: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(f'name = "mine"\nsource = "by hand"\nextends = {extends}\n')
    with pytest.raises(SettingError, match="extends"):
        load_preset(str(file))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a = " + b"[" * 5000, "deep"),
        (b"a = " + b"[" * 40 + b"]" * 40, "deep"),
        (b".".join([b"a"] * 3000) + b" = 1", "deep"),
        (b"noise = " + b"9" * 5000, "not valid TOML"),
        (b"noise = " + b"9" * 400, "noise"),
        (b"# " + b"x" * (1 << 20), "more than"),
        (b"\xff\xfe", "not valid TOML"),
        (b"sources = 5", "sources"),
        (b"[sources]\nnoise = 5", "sources"),
        (b'extends = "a\\u0000.toml"', "zero byte"),
        (b"extends = [[1]]", "extends"),
        (b"board = 5\nextends = 'ideal'", "board"),
        (b"set = [1]\nextends = 'ideal'", "set"),
        (b"name = 1979-05-27\nextends = 'ideal'", "name"),
        (b"noise = nan\nextends = 'ideal'", "noise"),
    ],
)
def test_a_preset_file_that_is_none_is_a_usage_error(
    content: bytes, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "my.toml"
    path.write_bytes(content)
    for load in (load_preset, preset_rows):
        with pytest.raises(SettingError, match=reason):
            load(str(path))
    with pytest.raises(SettingError):
        timing_settings(str(path))
