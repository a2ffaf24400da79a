"""Whatever is wrong with an HDF5 file, opening it ends in one line; a good file costs little."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest
from support.started import start
from support.virtual_board import REPOSITORY

from memlab.errors import DataError
from memlab.runs import RunFile, opening, probe
from memlab.runs.opening import open_for_reading, read_attributes
from memlab.runs.rescue import edit
from memlab.storage import Seal, check_seal, seal


@contextmanager
def growing(path: Path) -> Iterator[None]:
    """Give a run file whose writer lives until the block ends; then it is killed."""
    writer = start("support.growing_file:write", str(path))
    try:
        assert writer.stdout.readline() == "written\n"
        yield
    finally:
        writer.kill()
        writer.communicate()


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("killed") / "run.h5"
    with growing(path):
        pass
    return path


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    path = tmp_path / "run.h5"
    run = RunFile(path, "a run", {"seed": 7, "text": "some words " * 20})
    run.group("map", "NXdata", {"signal": "conductance"})
    run.scale("map/reading", None, "1", "Reading")
    run.declare("map/conductance", "f8", ("map/reading",), "S", "Conductance", 4)
    run.start()
    run.append("map/reading", np.arange(9))
    run.append("map/conductance", np.arange(9.0))
    run.close("finished")
    return path


def no_process(*_: object, **__: object) -> None:
    raise AssertionError("a process was started")


def refused(path: Path, **options: bool) -> str:
    with pytest.raises(DataError) as error, open_for_reading(path, **options):
        pass
    said = str(error.value)
    assert str(path) in said
    assert "\n" not in said
    return said


@pytest.mark.usefixtures("started_probe")
def test_every_flipped_bit_of_a_finished_file_is_seen_without_a_process(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "run", no_process)
    whole, generator = finished.read_bytes(), random.Random(6)
    for place in generator.sample(range(len(whole) - 24), 200):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << generator.randrange(8)
        (tmp_path / "flipped.h5").write_bytes(flipped)
        # The flags of a file that is open could be true of this one: that takes a process.
        if place != 11:
            assert "not as it was written" in refused(tmp_path / "flipped.h5")
    for length in generator.sample(range(1, len(whole) - 24), 30):
        (tmp_path / "cut.h5").write_bytes(whole[:length])
        refused(tmp_path / "cut.h5")
    assert read_attributes(finished)["seed"] == 7


def test_a_flag_that_claims_a_writer_is_refused(finished: Path) -> None:
    flipped = bytearray(finished.read_bytes())
    flipped[11] ^= 0x04
    finished.write_bytes(flipped)
    refused(finished)


def test_a_seal_goes_with_a_change_and_comes_back_with_an_edit(finished: Path) -> None:
    assert check_seal(finished) is Seal.WHOLE
    with h5py.File(finished, "r+") as file:  # somebody notes something
        file["entry"].attrs["note"] = "a good one"
    assert check_seal(finished) is Seal.NONE
    assert read_attributes(finished)["note"] == "a good one"
    for _ in range(2):
        with edit(finished) as file:
            file["entry"].attrs["more"] = 1
        assert check_seal(finished) is Seal.WHOLE
    seal(finished)
    assert check_seal(finished) is Seal.WHOLE
    with h5py.File(finished, "r") as file:
        assert file["entry/map/conductance"][()].tolist() == list(range(9))


@pytest.mark.usefixtures("started_probe")
def test_a_file_is_looked_through_once_until_it_changes(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with h5py.File(finished, "r+") as file:
        file["entry"].attrs["note"] = "no seal"
    read_attributes(finished)
    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "run", no_process)
        read_attributes(finished)
    with h5py.File(finished, "r+") as file:
        file["entry"].attrs["note"] = "another note, and so another file"
    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "run", no_process)
        with pytest.raises(AssertionError, match="a process"):
            read_attributes(finished)


def test_a_file_is_read_while_it_grows_and_after_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    with growing(path):
        for _ in range(2):
            with open_for_reading(path) as file:
                assert file["entry/map/conductance"][()].tolist() == list(range(40))
    with open_for_reading(path) as file:
        assert file["entry/map/conductance"][()].tolist() == list(range(40))


def test_what_is_left_of_a_killed_file_is_refused(killed: Path, tmp_path: Path) -> None:
    whole = killed.read_bytes()
    for part in (0.2, 0.9):
        (tmp_path / "cut.h5").write_bytes(whole[: int(part * len(whole))])
        refused(tmp_path / "cut.h5")


def test_a_text_in_which_hdf5_runs_in_a_circle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "circle.h5"
    with h5py.File(path, "w") as file:
        texts = np.array(["abc", "defg"] * 10, dtype=object)
        file.create_dataset("texts", data=texts, dtype=h5py.string_dtype())
    whole = bytearray(path.read_bytes())
    where = whole.index(b"GCOL")
    # The length of a text, 2048 too much: found by flipping every bit of such a file.
    whole[whole.index(b"defg", where) - 7] ^= 0x08
    path.write_bytes(whole)
    assert "found no end" in refused(path)


def test_sizes_that_no_file_can_have_are_refused_without_memory(tmp_path: Path) -> None:
    path = tmp_path / "huge.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("entry/x", (2**40,), "f8", chunks=(2**10,))
    assert path.stat().st_size < 10_000
    assert "1099511627776 values" in refused(path)
    assert "1099511627776 values" in refused(path, foreign=True)


def test_data_in_another_file_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(80))
    path = tmp_path / "links.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (10,), "f8", external=[(str(tmp_path / "secret"), 0, 80)])
    assert "lie in another file" in refused(path)


def test_what_is_no_file_is_refused(tmp_path: Path, finished: Path) -> None:
    assert "there is no file" in refused(tmp_path / "missing.h5")
    assert "is no file" in refused(tmp_path)
    (tmp_path / "empty.h5").touch()
    said = refused(tmp_path / "empty.h5")
    assert "0 bytes" in said
    assert said.endswith("remove it, and start the run again"), "as of one that a kill left"
    (tmp_path / "text.h5").write_text("not HDF5")
    refused(tmp_path / "text.h5")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.h5")
        assert "is no file" in refused(tmp_path / "pipe.h5")


def test_a_writer_that_was_killed_before_it_measured_is_named(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    program = "import h5py,os,sys; f=h5py.File(sys.argv[1],'w',libver=('v110','v110')); "
    program += "f.create_group('entry'); f.flush(); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert "nothing that was measured" in refused(path)


def test_only_a_damaged_file_is_blamed_for_what_goes_wrong(finished: Path) -> None:
    with pytest.raises(DataError, match=r"does not hold.*KeyError"):
        with open_for_reading(finished) as file:
            file["entry/nothing"]
    with pytest.raises(OSError, match="disk full"):
        with open_for_reading(finished):
            raise OSError("disk full")


@pytest.mark.usefixtures("started_probe")
def test_the_deadline_ends_a_process_that_does_not_end_itself(
    tmp_path: Path, killed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = tmp_path / "endless.py"
    endless.write_text("import time\nprint('ready', flush=True)\ntime.sleep(60)")
    monkeypatch.setattr(probe, "__file__", str(endless))
    monkeypatch.setattr(opening, "_START", 3.0)
    opening._trusted.clear()
    assert "found no end" in refused(killed)


@pytest.mark.usefixtures("started_probe")
@pytest.mark.parametrize("program", ["raise ImportError", None])
def test_a_process_that_does_not_start_is_not_blamed_on_the_file(
    program: str | None, tmp_path: Path, killed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening._trusted.clear()
    if program is None:
        monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    else:
        (tmp_path / "failing.py").write_text(program)
        monkeypatch.setattr(probe, "__file__", str(tmp_path / "failing.py"))
    assert "could not be started" in refused(killed)
    with open_for_reading(finished_copy(tmp_path)) as file:
        assert file.attrs["a"] == 1


def finished_copy(folder: Path) -> Path:
    """Give a sealed file, which needs no process."""
    path = folder / "sealed.h5"
    with h5py.File(path, "w") as file:
        file.attrs["a"] = 1
    seal(path)
    return path


CTRL_C = """
import os, signal, sys
if any(word.endswith("probe.py") for word in sys.orig_argv):
    os.killpg(os.getpgid(os.getppid()), signal.SIGINT)
"""

HEARS = """
import signal, sys
heard = []
signal.signal(signal.SIGINT, lambda *_: heard.append(1))
from pathlib import Path
from memlab.runs.opening import open_for_reading
with open_for_reading(Path(sys.argv[1])) as file:
    print(len(heard), list(file))
"""


@pytest.mark.skipif(os.name == "nt", reason="groups of processes")
def test_ctrl_c_is_no_matter_of_the_process_that_looks_through_a_file(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "plain.h5", "w") as file:
        file.create_group("entry")
    # As soon as that process begins, the whole group of this one hears Ctrl-C.
    (tmp_path / "sitecustomize.py").write_text(CTRL_C)
    path = os.pathsep.join([str(tmp_path), str(REPOSITORY)])
    done = subprocess.run(
        [sys.executable, "-c", HEARS, str(tmp_path / "plain.h5")],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        start_new_session=True,
    )
    assert (done.stdout, done.stderr) == ("1 ['entry']\n", "")


@pytest.mark.parametrize(
    ("waited", "used", "expected"),
    [(0.3, 0.3, 3.0), (0.2, 0.3, 3.0), (1.2, 0.3, 12.0), (60.0, 0.3, 30.0), (0.5, 0.0, 30.0)],
)
def test_the_deadline_is_longer_where_the_process_waits_for_a_processor(
    waited: float, used: float, expected: float
) -> None:
    assert probe.deadline(waited, used) == pytest.approx(expected)


def test_an_interrupt_within_h5py_is_one_and_says_nothing_of_the_file(finished: Path) -> None:
    interrupt = KeyboardInterrupt("SIGINT")
    with (
        pytest.raises(KeyboardInterrupt, match="SIGINT"),
        open_for_reading(finished),
    ):
        raise SystemError("FastRLock.__exit__ returned a result with an exception set") from (
            interrupt
        )
