"""Names of files as people have them: `#` in a URL, too long for the disk, links in a circle."""

from pathlib import Path

import pytest

import memlab
from drivers.opening import parse_address
from memlab.array.passport_place import find_passport
from memlab.array.urls import check_url, chip_of_url, open_array
from memlab.errors import MemlabError, SettingError, StorageError
from memlab.experiments import make_plan
from memlab.passport import Passport
from memlab.runs import check_out
from memlab.twin.preset_file import check_preset_path

LONG = "x" * 300


@pytest.mark.parametrize("name", ["a#b.h5", "a%23b.h5", "#"])
def test_a_board_s_url_has_no_fragment(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with open_array(f"emulator:?state={name}&shape=5x3") as array:
        assert array.shape == (5, 3)
    real = name.replace("%23", "#")
    files = {path.name for path in tmp_path.iterdir()}
    assert {real, f"{real}.passport"} <= files
    assert all(file.removeprefix(".").startswith(real) for file in files)


def test_a_passport_may_have_the_sign_too(tmp_path: Path) -> None:
    passport = tmp_path / "p#1.sqlite"
    with open_array(f"emulator:?passport={passport}&shape=5x3") as array:
        assert array.shape == (5, 3)
    assert passport.is_file()


@pytest.mark.parametrize(
    "url",
    [
        "ideal:?shape=5x3#top",
        "mock:?shape=5x3#top",
        "emulator:#top",
        "serial:///dev/ttyACM0?baudrate=9600#top",
    ],
)
def test_a_fragment_is_never_left_out_unsaid(url: str) -> None:
    with pytest.raises(SettingError, match="#top"):
        open_array(url)


def test_a_port_keeps_its_name() -> None:
    address = parse_address("serial:///dev/tty#1?baudrate=9600")
    assert (address.port, address.options) == ("/dev/tty#1", {"baudrate": 9600})


@pytest.mark.parametrize("odd", ["\n", "\t", "%00", "%0a", "\x7f"])
@pytest.mark.parametrize(
    "url", ["emulator:?state=a{}b.h5", "mock:?shape=5x3{}", "serial:///dev/x?timeout=1{}"]
)
def test_a_control_character_in_a_url_is_refused_and_not_left_out(url: str, odd: str) -> None:
    with pytest.raises(SettingError, match="control character") as refused:
        check_url(url.format(odd))
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    "url",
    [
        "emulator:?state={}",
        "emulator:?shape=4x4&passport={}",
        "emulator:?shape=4x4&calibration={}",
        "emulator:?chip={}.toml",
        "arc2:?firmware={}&chip=die",
        "smu-matrix:?wiring={}&chip=die",
    ],
)
@pytest.mark.parametrize("name", [f"{LONG}.h5", f"{LONG}/a", "circle", "x" * 249])
def test_a_name_that_no_file_can_have_is_refused_in_one_line(
    url: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("circle").symlink_to("circle")
    with pytest.raises(MemlabError) as refused, open_array(url.format(name)):
        pass
    assert name[:40] in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", [f"{LONG}.h5", "circle"])
def test_so_it_is_where_a_program_gives_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("circle").symlink_to("circle")
    for ask in (
        lambda: chip_of_url(f"emulator:?state={name}"),
        lambda: Passport.read(Path(name)),
        lambda: memlab.open_run(name),
    ):
        with pytest.raises(MemlabError):
            ask()
    assert find_passport(name) is None


@pytest.mark.parametrize("name", [f"{LONG}.h5", "x" * 252 + ".h5", f"{LONG}/run.h5", "a\0.h5"])
def test_so_it_is_of_outputs(name: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="cannot write"):
        check_out(tmp_path / name)
    with pytest.raises(SettingError, match="cannot write"):
        check_preset_path(tmp_path / f"{name}.toml")


def test_a_training_says_so_too(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"cannot write .*: File name too long"):
        make_plan("airline", out=tmp_path / f"{LONG}.h5")


def test_a_full_disk_says_what_became_of_the_chip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise StorageError(f"cannot write {tmp_path / 'c.h5'}: No space left on device")

    url = f"emulator:?state={tmp_path / 'c.h5'}&shape=5x3"
    with monkeypatch.context() as patched:
        patched.setattr("memlab.emulator.chip_file.write_generation", full)
        with pytest.raises(StorageError, match="No space left") as refused:
            open_array(url)
        assert "the chip was not saved; it is in no file yet" in str(refused.value)
    with open_array(url) as array:
        assert array.simulation is not None
        with monkeypatch.context() as patched:
            patched.setattr("memlab.emulator.chip_file.write_generation", full)
            with pytest.raises(StorageError, match="No space left") as refused:
                array.simulation.save()
        said = str(refused.value)
        assert "the chip was not saved: the file has it as it was saved last" in said
        assert "\n" not in said
