"""A chip in a file: the same chip in every program, and one passport that tells what it got."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from support.command import in_process
from support.passports import SET, kill, row_pulses

from drivers.errors import InUseError
from memlab import open_array, open_board
from memlab.array.board_array import BoardArray
from memlab.array.passport_place import find_passport
from memlab.emulator import chip_file
from memlab.emulator.chip_file import ChipFile
from memlab.errors import DataError, SettingError
from memlab.passport import Passport
from memlab.storage import State, sealed, unsealed

COUNTED = "&wear.lifetime=1e12"
"""Cells that wear count their pulses."""


@pytest.fixture(autouse=True)
def _directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def opened(url: str = "emulator:?state=my.h5") -> BoardArray:
    array = open_array(url)
    assert isinstance(array, BoardArray)
    return array


def use(array: BoardArray, rng: np.random.Generator) -> list[np.ndarray]:
    """Pulse, wait, read and multiply at random places; return the codes."""
    part = array[rng.choice(128, 5, replace=False), rng.choice(64, 3, replace=False)]
    part.program(rng.uniform(0.9, 1.5, part.shape), reset=rng.random(part.shape) < 0.4)
    array.board.advance(float(rng.uniform(0.0, 2.0)))
    found = part.measure_conductance(), part.measure_vmm(rng.uniform(-0.2, 0.2, (3, 5)))
    return [one.adc_code for one in found]


@pytest.mark.parametrize(
    "chip", ["ta-hfo2", "worst-case", "ta-hfo2-full&forming.voltage=2.4&read_noise.flicker=0.01"]
)
def test_a_chip_that_is_closed_and_opened_goes_on_as_if_it_had_stayed_open(chip: str) -> None:
    rngs = np.random.default_rng(1), np.random.default_rng(1)
    with opened(f"emulator:?chip={chip}&seed=5") as array:
        wanted = []
        for _ in range(4):
            wanted += use(array, rngs[0])
            array.ground()  # as closing does
        clock, energy = array.board.clock, array.board.energy
        conductance = array.board.chip.conductance
    found = []
    for _ in range(4):
        with opened(f"emulator:?chip={chip}&seed=5&state=my.h5") as array:
            found += use(array, rngs[1])
    assert all(np.array_equal(a, b) for a, b in zip(wanted, found, strict=True))
    with opened() as array:
        assert (array.board.clock, array.board.energy) == (clock, energy)
        assert np.array_equal(array.board.chip.conductance, conductance)


def test_a_chip_in_a_file_is_one_board_with_a_passport_beside_it() -> None:
    with opened("emulator:?seed=7&chip=ideal&state=my.h5") as array:
        serial = array.board.capabilities.serial
        array[2:4, 1:4].program(1.2)
        assert array.passport.path == Path("my.h5.passport").resolve()
    # As `memlab chip show my.h5` does.
    assert find_passport("my.h5") == Path("my.h5.passport").resolve()
    assert re.fullmatch("ideal-7-[0-9a-f]{8}", serial)
    with opened() as array:
        assert array.board.capabilities.serial == serial
        assert array.board.chip.preset.name == "ideal"
        assert array.passport.ledger.totals.fired.sum() == 6
    with open_board("emulator:?state=my.h5") as board:
        assert board.capabilities.serial == serial
    with opened("emulator:?seed=7&chip=ideal&state=other.h5") as array:
        assert array.board.capabilities.serial != serial


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("&seed=8", "seed=7, not 8"),
        ("&chip=pt-taox-ta", "name=ta-hfo2, not pt-taox-ta"),
        ("&noise=0", "noise=4e-06, not 0.0"),
        ("&wires.resistance=0.5", "wires.resistance=0.25, not 0.5"),
    ],
)
def test_options_that_contradict_the_chip_in_the_file_are_refused(more: str, told: str) -> None:
    made = "emulator:?seed=7&wires.resistance=0.25&shape=8x6&state=my.h5"
    opened(made).close()
    for same in (made, "emulator:?state=my.h5&seed=7", "emulator:?state=my.h5&noise=4e-6"):
        opened(same).close()
    before = Path("my.h5").read_bytes()
    with pytest.raises(SettingError, match="holds a chip with") as refused:
        opened(f"emulator:?state=my.h5{more}")
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)
    assert Path("my.h5").read_bytes() == before
    # What is a default of a command, and not written in the URL, gives way.
    with open_array("emulator:?state=my.h5", seed=9) as array:
        assert array.board.capabilities.serial.startswith("ta-hfo2-7-")


def test_one_program_at_a_time_has_a_chip_under_whatever_name() -> None:
    with opened():
        Path("link.h5").symlink_to("my.h5")
        for url in ("emulator:?state=my.h5", "emulator:?state=link.h5"):
            with pytest.raises(InUseError, match="in use by another program"):
                opened(url)
    opened("emulator:?state=link.h5").close()
    assert Path("link.h5").is_symlink()
    assert find_passport("link.h5") == Path("my.h5.passport").resolve()


@pytest.mark.parametrize("is_open", [True, False])
def test_a_chip_of_two_names_is_refused_before_the_next_saving_makes_two_of_it(
    is_open: bool,
) -> None:
    with opened() as array:
        array[3:5, 2:4].program(1.0)
        array.simulation.save()
        os.link("my.h5", "second.h5")
        if is_open:
            with pytest.raises(SettingError, match="has a second name"):
                opened("emulator:?state=second.h5")
            Path("second.h5").unlink()
    if not is_open:
        Path("second.h5").unlink()
        os.link("my.h5", "second.h5")
        before = Path("my.h5").read_bytes()
        for name in ("my.h5", "second.h5"):
            with pytest.raises(SettingError, match="has a second name") as refused:
                opened(f"emulator:?state={name}")
            assert "\n" not in str(refused.value)
        assert Path("my.h5").read_bytes() == before
        Path("second.h5").unlink()
    opened("emulator:?state=my.h5&lost=refuse").close()


@pytest.mark.parametrize("second", ["my.h5.before", ".my.h5.before.part"])
def test_a_name_that_a_kill_within_a_saving_has_left_is_none(second: str) -> None:
    for _ in range(2):
        opened().close()
    Path(second).unlink(missing_ok=True)
    os.link("my.h5", second)
    opened().close()


def test_a_chip_goes_on_from_another_directory_by_whatever_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = Path.cwd()
    Path("deep/er").mkdir(parents=True)
    (here / "to-deep").symlink_to("deep", target_is_directory=True)
    (here / "dangling.h5").symlink_to("deep/my.h5")
    wanted = 0
    for directory, name in (
        (here, "dangling.h5"),
        (here, "deep/my.h5"),
        (here / "deep", "my.h5"),
        (here / "deep/er", "../my.h5"),
        (here / "deep/er", str(here / "to-deep/my.h5")),
        (here, "to-deep/../deep/er/../my.h5"),
    ):
        monkeypatch.chdir(directory)
        with opened(f"emulator:?state={name}") as array:
            assert array.passport.ledger.totals.fired.sum() == wanted
            monkeypatch.chdir("/")  # what was opened stays where it is
            array[3:5, 2:4].program(1.0)
            wanted += 4
        monkeypatch.chdir(directory)
        assert find_passport(name) == here / "deep/my.h5.passport"
    files = [one.name for one in here.rglob("*") if one.is_file() and not one.is_symlink()]
    names = ["my.h5", "my.h5.before", "my.h5.lock", "my.h5.passport", "my.h5.passport.lock"]
    assert sorted(files) == names


def test_a_chip_without_a_passport_is_named_and_not_called_damaged(
    capsys: pytest.CaptureFixture[str],
) -> None:
    open_board("emulator:?state=my.h5&seed=7").close()
    code, out, said = in_process(capsys, "chip", "show", "my.h5")
    assert (code, out) == (1, "")
    assert re.fullmatch(
        r"memlab: my.h5 is a chip \(ta-hfo2, seed 7, serial number ta-hfo2-7-[0-9a-f]{8}\) and has "
        r"no passport yet: .*'emulator:\?state=my.h5'\n",
        said,
    )
    Path("my.h5").write_bytes(_foreign())
    code, _, said = in_process(capsys, "chip", "show", "my.h5")
    assert code == 1
    assert "no chip of memlab, or is damaged" in said


def _foreign() -> bytes:
    with h5py.File("foreign.h5", "w") as file:
        file["x"] = [1, 2]
    return Path("foreign.h5").read_bytes()


def _other_version() -> bytes:
    opened().close()
    Path("my.h5.before").unlink()
    content = chip_file._unpack(unsealed(Path("my.h5").read_bytes()))
    return sealed(chip_file._pack({**content, "format": 2}))


def _flipped() -> bytes:
    opened().close()
    Path("my.h5.before").unlink()
    content = bytearray(Path("my.h5").read_bytes())
    content[len(content) // 2] ^= 4
    return bytes(content)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: b"", "no chip of memlab, or is damaged"),
        (lambda: b"seed = 7\n", "no chip of memlab, or is damaged"),
        (_foreign, "no chip of memlab, or is damaged"),
        (_flipped, "no chip of memlab, or is damaged"),
        (_other_version, "a chip of format 2, written by memlab"),
    ],
)
def test_a_file_that_is_no_chip_is_refused_in_one_line_and_left_alone(
    make: Callable[[], bytes], told: str
) -> None:
    content = make()
    Path("my.h5").write_bytes(content)
    with pytest.raises(DataError, match=told) as refused:
        opened()
    assert "\n" not in str(refused.value)
    assert Path("my.h5").read_bytes() == content


def test_a_damaged_chip_is_told_of_the_one_before_it() -> None:
    for _ in range(2):
        opened().close()
    Path("my.h5").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"saved before is .*my\.h5\.before"):
        opened()
    Path("my.h5").unlink()  # a chip that was lost is not made anew behind its user's back
    with pytest.raises(DataError, match=r"there is no chip .*my\.h5\.before"):
        opened()
    Path("my.h5.before").rename("my.h5")
    opened().close()


def test_a_directory_that_is_not_there_is_one_error() -> None:
    with pytest.raises(SettingError, match="cannot use the chip"):
        opened("emulator:?state=no/my.h5")
    with pytest.raises(SettingError, match="state= names no file"):
        opened("emulator:?state=")


def test_what_follows_the_last_save_is_taken_back_in_the_passport_and_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with opened(f"emulator:?chip=ideal&state=my.h5{COUNTED}") as array:
        array[3:5, 2:4].program(1.0)
        array.simulation.save()
        array.passport.mark_formed(np.ones((1, 2), bool), np.array([3]), np.array([2, 3]))
        array[3:4, 2:9].program(1.1)
        array.passport.mark_formed(np.ones((1, 2), bool), np.array([7]), np.array([1, 2]))
        array[9:12, 2:4].program(1.2)
        kill(array)
    with pytest.raises(DataError, match="lacks the last 4 row pulses") as refused:
        opened("emulator:?state=my.h5&lost=refuse")
    assert "\n" not in str(refused.value)
    with opened() as array:
        assert "lacks the last 4 row pulses" in caplog.text
        assert "and 1 formings" in caplog.text
        fired = array.passport.ledger.totals.fired.sum(axis=0)
        assert np.array_equal(fired, array.board.chip._wear.pulses)
        assert np.argwhere(array.passport.formed).tolist() == [[3, 2], [3, 3]]
        array[3:4, 2:9].program(1.1)
    caplog.clear()
    with opened("emulator:?state=my.h5&lost=refuse") as array:  # said once
        fired = array.passport.ledger.totals.fired.sum(axis=0)
        assert np.array_equal(fired, array.board.chip._wear.pulses)
        assert fired.sum() == 4 + 7
    assert not caplog.text


def test_pulses_without_the_passport_are_said_and_noted(caplog: pytest.LogCaptureFixture) -> None:
    with opened("emulator:?state=my.h5") as array:
        array[3:5, 2:4].program(1.0)
    with opened("emulator:?state=my.h5&passport=none") as array:
        array.read_conductance()
    with opened() as array:
        assert array.passport.others == []
    with opened("emulator:?state=my.h5&passport=none") as array:
        array[3:5, 2:4].program(1.0)
    assert not caplog.text
    with opened() as array:
        assert "got pulses that its passport" in caplog.text
        ((name, _),) = array.passport.others
        assert name.startswith(array.board.capabilities.serial)
    caplog.clear()
    opened().close()
    assert not caplog.text


@pytest.mark.parametrize("lost", [True, False])
def test_a_passport_that_was_lost_or_put_back_is_said(
    lost: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with opened() as array:
        array[3:5, 2:4].program(1.0)
    shutil.copy("my.h5.passport", "copy")
    with opened() as array:
        array[3:5, 2:4].program(1.1)
    if lost:
        Path("my.h5.passport").unlink()
    else:
        shutil.copy("copy", "my.h5.passport")
    with opened() as array:
        assert "or the passport is a copy or was lost" in caplog.text
        assert len(array.passport.others) == 1


def test_a_chip_that_was_put_back_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with opened() as array:
        array[3:5, 2:4].program(1.0)
    shutil.copy("my.h5", "copy")
    with opened() as array:
        array[3:5, 2:4].program(1.1)
    shutil.copy("copy", "my.h5")
    with opened() as array:
        assert "lacks the last 2 row pulses" in caplog.text
        assert array.passport.ledger.totals.fired.sum() == 4


def test_a_chip_and_a_passport_that_went_on_alone_are_refused() -> None:
    with opened() as array:
        array[3:5, 2:4].program(1.0)
    shutil.copy("my.h5", "copy")
    with opened() as array:
        array[3:5, 2:4].program(1.1)
    shutil.copy("copy", "my.h5")
    with opened("emulator:?state=my.h5&passport=none") as array:
        array[3:5, 2:4].program(1.2)
    with pytest.raises(DataError, match="gone on without each other") as refused:
        opened()
    assert "\n" not in str(refused.value)
    opened("emulator:?state=my.h5&passport=new").close()


def test_the_passport_of_another_chip_is_refused() -> None:
    for name in ("my.h5", "other.h5"):
        with opened(f"emulator:?state={name}") as array:
            array[3:5, 2:4].program(1.0)
    for wrong in ("other.h5.passport", "real"):
        if wrong == "real":
            with Passport(Path("real"), (128, 64), chip="die") as passport:
                passport.enter(row_pulses((SET, 3, [1]), columns=64))
        with pytest.raises(DataError, match="not of the chip ta-hfo2-0-"):
            opened(f"emulator:?state=my.h5&passport={wrong}")


def test_a_chip_that_is_kept_nowhere_loads_nothing_that_writes_files() -> None:
    code = (
        "import sys, memlab\n"
        "with memlab.open_array('emulator:') as array: array.vmm([0.1] * 128)\n"
        "print('h5py' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_saves_nothing() -> None:
    with opened() as array:
        before = Path("my.h5").read_bytes()
        child = os.fork()
        if not child:
            array.close()
            os._exit(0)
        os.waitpid(child, 0)
        assert Path("my.h5").read_bytes() == before
        with pytest.raises(InUseError):
            ChipFile(Path("my.h5"), array.board.chip.preset, 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_keeps_no_chip_that_its_parent_has_closed() -> None:
    wait, end = os.pipe()
    array = opened()
    child = os.fork()
    if not child:
        os.close(end)
        os.read(wait, 1)
        os._exit(0)
    array.close()
    try:
        opened().close()
    finally:
        os.close(end)
        os.close(wait)
        os.waitpid(child, 0)


def test_an_interrupt_within_a_save_comes_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pack, caught = chip_file._pack, []

    def interrupted(content: State) -> bytes:
        signal.raise_signal(signal.SIGINT)
        caught.append("nothing")
        return pack(content)

    with opened() as array:
        array[3:5, 2:4].program(1.0)
        with monkeypatch.context() as patch:
            patch.setattr(chip_file, "_pack", interrupted)
            with pytest.raises(KeyboardInterrupt):
                array.simulation.save()
        assert caught == ["nothing"]
        content = chip_file._unpack(unsealed(Path("my.h5").read_bytes()))
        assert content["board"]["pulsed"] == array.simulation.pulsed > 0


def test_a_chip_that_got_more_and_a_passport_that_got_more_are_refused_too() -> None:
    """However many more pulses the chip got: that it lacks the passport's, its history tells."""
    with opened() as array:
        array[3:5, 2:4].program(1.0)
    shutil.copy("my.h5", "copy")
    with opened() as array:
        array[3:5, 2:4].program(1.1)
    shutil.copy("copy", "my.h5")
    with opened("emulator:?state=my.h5&passport=none") as array:
        array[3:9, 2:4].program(1.2)
    with pytest.raises(DataError, match="gone on without each other"):
        opened()


def test_two_passports_by_turns_are_each_told_of_the_pulses_that_they_lack(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for turn, rows in enumerate((2, 3, 4, 5)):
        caplog.clear()
        with opened(f"emulator:?state=my.h5&passport=p{turn % 2}") as array:
            assert ("got pulses that its passport" in caplog.text) == (turn > 0)
            array[:rows, 2:4].program(1.0)
    for name in ("p0", "p1"):
        caplog.clear()
        with opened(f"emulator:?state=my.h5&passport={name}") as array:
            assert len(array.passport.others) == 2
            assert ("got pulses that its passport" in caplog.text) == (name == "p0")


def test_pulses_in_doubt_are_settled_by_the_chip() -> None:
    with opened() as array:
        array[3:5, 2:4].program(1.0)
        with pytest.MonkeyPatch.context() as patch:

            def interrupted(*_: object) -> None:
                raise KeyboardInterrupt

            patch.setattr(type(array.board), "_pulse", interrupted)
            with pytest.raises(KeyboardInterrupt):
                array[7:9, 2:4].program(1.1)
        fire = type(array.board)._pulse

        def late(self: object, *rest: object) -> None:
            fire(self, *rest)  # type: ignore[arg-type]
            raise KeyboardInterrupt

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(array.board), "_pulse", late)
            with pytest.raises(KeyboardInterrupt):
                array[9:12, 2:4].program(1.2)
        assert len(array.passport.ledger.open_batches) == 2
    with opened() as array:
        outcome = [batch.outcome.tolist() for batch in array.passport.ledger.batches()]
        assert outcome == [[1, 1], [2, 2], [1, 1, 1]]
        array[3:5, 2:4].program(1.0)
    opened("emulator:?state=my.h5&lost=refuse").close()


def test_a_chip_and_a_passport_of_an_earlier_memlab_are_told_to_be_not_comparable(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with opened() as array:
        array[3:5, 2:4].program(1.0)
        store = array.passport._store
        store.execute("DELETE FROM prints")
        store.execute("DELETE FROM histories")
    content = chip_file._unpack(unsealed(Path("my.h5").read_bytes()))
    del content["board"]["history"]
    Path("my.h5").write_bytes(sealed(chip_file._pack(content)))
    shutil.copy("my.h5", "older.h5")
    with opened() as array:
        assert "got pulses that its passport" in caplog.text
        assert array.passport.ledger.totals.fired.sum() == 4, "nothing is taken back"
        array[3:5, 2:4].program(1.0)
    caplog.clear()
    opened("emulator:?state=my.h5&lost=refuse").close()
    assert not caplog.text
    opened("emulator:?state=older.h5").close()  # without a passport
    assert "got pulses that its passport" in caplog.text
