"""Every kind of damaged file: each command that takes it answers in one line, soon, or rightly.

The files are those of an earlier commit that lie in the tests, as they are and sealed as those of
today. By default a seeded sample; all of it (30 cuts and 30 flips of each) with `-m slow`, some
15 minutes.
"""

import os
import random
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from support.command_server import CommandServer

from memlab.calibration import Calibration, CalibrationRecord
from memlab.calibration.store import CalibrationStore
from memlab.passport import Passport
from memlab.storage import seal

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes cannot be polled")

OLD = Path(__file__).parents[2] / "fixtures" / "d9f9529"
SECONDS = 5.0
"""Processor time of a refusal."""
HUNG = 120.0
"""Seconds, however busy the machine is."""

Command = tuple[str, ...]
PLOT = ("runs", "plot", "FILE", "--out", "picture.png")
REPORT = ("report", "FILE", "--out", "report.html")
RESUME = ("runs", "resume", "FILE", "--quiet")
FIT = ("chip", "fit", "FILE", "--out", "twin.toml", "--quiet")
COMPARE = ("chip", "compare", "ideal", "FILE", "--out", "compare.png", "--quiet")
TRANSFER = ("transfer", "airline", "--from", "FILE", "--out", "transfer.h5", "--quiet")
GOOD = ("train", "airline", "--good", "FILE", "--epochs", "0", "--out", "train.h5", "--quiet")
IMPORT = ("runs", "import", "FILE", "--out", "run.h5")


@dataclass(frozen=True)
class Kind:
    """A kind of file: where a whole one is, what takes it, and the code of a refusal."""

    name: str
    file: str
    commands: tuple[Command, ...]
    codes: dict[Command, int] = field(default_factory=dict)
    sealed: bool = False
    """As today's memlab leaves it: a file of then with a seal."""
    few: bool = False
    """The same as another one, as memlab left it then; a process looks through each."""

    def code(self, command: Command) -> int:
        usage = (TRANSFER, GOOD)
        return self.codes.get(command, 2 if command in usage else 1)


def _run_kinds() -> Iterator[Kind]:
    procedures = (PLOT, REPORT, RESUME, FIT, COMPARE)
    for path in sorted((OLD / "runs").glob("*.h5")):
        name = path.stem
        commands: tuple[Command, ...] = procedures
        if name == "yield":
            commands = (*procedures, GOOD)
        elif name.startswith(("airline", "gait", "mnist", "transfer", "interrupted-t", "killed-t")):
            commands = (PLOT, REPORT, RESUME, TRANSFER)
        elif name in ("program", "read", "vmm"):
            commands = (PLOT, REPORT, RESUME)
        few = not name.startswith("killed")
        yield Kind(name, f"runs/{path.name}", commands, few=few)
        if not name.startswith("killed"):
            yield Kind(f"{name}, sealed", f"runs/{path.name}", commands, sealed=True)
    others = {
        "calibrate": ("boards/calibrated/calibrate.h5", (PLOT, REPORT, RESUME)),
        "imported": ("imports/arc-one.h5", (PLOT, REPORT, RESUME, FIT)),
    }
    for name, (file, commands) in others.items():
        yield Kind(name, file, commands, few=True)
        yield Kind(f"{name}, sealed", file, commands, sealed=True)


READ = ("read", "--rows", "0:2", "--out", "read.npy", "--board")
PRESET = (("chip", "show", "FILE"), (*READ, "emulator:?chip=FILE"))
PASSPORT = (
    ("chip", "show", "FILE"),
    ("chip", "cell", "1", "2", "--chip", "FILE"),
    ("chip", "budget", "FILE"),
    (*READ, "emulator:?passport=FILE"),
)
CALIBRATION = (*READ, "emulator:?calibration=FILE")
PROGRAM = ("program", "FILE", "--out", "run.h5", "--board", "ideal:")
VMM = ("vmm", "FILE", "--out", "currents.npy")
MASK = ("read", "--mask", "FILE", "--out", "read.npy")
NUMBERS = (PROGRAM, VMM, MASK)

KINDS = [
    *_run_kinds(),
    Kind("arc one", "imports/arc-one.csv", (IMPORT,)),
    Kind("arc two", "imports/arc-two-log.h5", (IMPORT,)),
    Kind("passport", "made/chip.passport", PASSPORT),
    Kind("calibration", "made/calibration.json", (CALIBRATION,)),
    Kind("preset", "made/preset.toml", PRESET, dict.fromkeys(PRESET, 2)),
    *(Kind(f"{n}.npy", f"made/{n}.npy", NUMBERS, dict.fromkeys(NUMBERS, 2)) for n in ("a", "mask")),
]
SAMPLE = {
    *(
        "yield, sealed",
        "airline-epochs, sealed",
        "read, sealed",
        "program, sealed",
        "calibrate, sealed",
    ),
    *("staircase", "arc one", "arc two", "passport", "calibration", "preset"),
    *("a.npy", "mask.npy"),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a whole file of each kind that is not in the tests."""
    made = tmp_path_factory.mktemp("whole") / "made"
    made.mkdir()
    rng = np.random.default_rng(7)
    np.save(made / "a.npy", rng.uniform(0.0, 0.2, (3, 128)))
    np.save(made / "mask.npy", rng.random((128, 64)) < 0.01)
    (made / "preset.toml").write_text(
        'name = "mine"\nextends = ["ideal"]\nset_slope = 1e-4 # S/V\n[sources]\nset_slope = "me"\n'
    )
    with Passport(made / "chip.passport", (128, 64)) as passport:
        passport.begin_run("a run")
        passport.mark_formed(rng.random((128, 64)) < 0.5)
        passport.set_mask("stuck high", rng.random((128, 64)) < 0.1)
        passport.note_reading(np.arange(128), np.arange(64), rng.random((128, 64)) * 1e-4)
    nominal = CalibrationRecord.nominal(128, 64, (1e3, 1e4, 1e5, 1e6))
    one = Calibration(nominal, nominal, "ta-hfo2-0", "2026-11-24T15:00:00+00:00", "m", "memlab 0")
    store = CalibrationStore("ta-hfo2-0", made)
    shutil.copy(store.directory / f"{store.add(one).version:04d}.json", made / "calibration.json")
    return made.parent


@pytest.fixture(scope="module", params=[False], ids=["drawn"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CommandServer]:
    """Run commands in a process that may hang; the parameter says whether it renders pictures."""
    with CommandServer(tmp_path_factory.mktemp("state"), HUNG, rendered=request.param) as server:
        yield server


def damages(content: bytes, count: int, generator: random.Random) -> Iterator[tuple[str, bytes]]:
    """Yield cuts and flips of a file, each with its name; half of the flips near its beginning."""
    for _ in range(count):
        length = generator.randrange(len(content))
        yield f"cut to {length}", content[:length]
    for k in range(count):
        place = generator.randrange(min(len(content), 4096) if k % 2 else len(content))
        flipped = bytearray(content)
        flipped[place] ^= 1 << generator.randrange(8)
        yield f"bit of byte {place}", bytes(flipped)


def check(kind: Kind, whole: Path, folder: Path, server: CommandServer, count: int) -> int:
    """Damage a file in many ways and give it to the commands in turn; return how many refused."""
    source = (whole if kind.file.startswith("made/") else OLD) / kind.file
    file = folder / source.name
    shutil.copy(source, file)
    if kind.sealed:
        seal(file)
    content = file.read_bytes()
    refused, faults = 0, []
    generator = random.Random(zlib.crc32(kind.name.encode()))
    for number, (damage, damaged) in enumerate(damages(content, count, generator)):
        for left in folder.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        file.write_bytes(damaged)
        command = kind.commands[number % len(kind.commands)]
        answer = server.run(folder, *(word.replace("FILE", file.name) for word in command))
        refused += answer.code != 0
        said = f"{damage}: {' '.join(command)}: {answer.code} {answer.seconds:.1f} s: {answer.err}"
        if answer.code not in (0, kind.code(command)):
            faults.append(f"code, {said}")
        elif answer.code and (
            answer.err.count("\n") != 1
            or not answer.err.startswith("memlab: ")
            or answer.seconds > SECONDS
        ):
            faults.append(f"not one line, or late: {said}")
        elif answer.code and file.suffix == ".h5" and file.read_bytes() != damaged:
            faults.append(f"the file was changed: {said}")
        elif kind.sealed and not answer.code and damage.startswith("bit"):
            faults.append(f"not seen: {said}")
    assert not faults, "\n".join([f"{len(faults)} faults of {kind.name}", *faults])
    return refused


@pytest.mark.parametrize("kind", [k for k in KINDS if k.name in SAMPLE], ids=lambda k: k.name)
def test_a_sample_of_damage(kind: Kind, whole: Path, tmp_path: Path, server: CommandServer) -> None:
    # A process looks through each of the others.
    count = 3 if kind.sealed or not kind.file.endswith(".h5") else 2
    assert check(kind, whole, tmp_path, server, count) >= 1


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("server", [True], ids=["rendered"], indirect=True)
@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.name)
def test_thirty_cuts_and_thirty_flips(
    kind: Kind, whole: Path, tmp_path: Path, server: CommandServer
) -> None:
    count = 4 if kind.few else 30
    assert check(kind, whole, tmp_path, server, count) >= count / 3


def test_whole_files_are_taken(whole: Path, tmp_path: Path, server: CommandServer) -> None:
    """Else a refusal says nothing of the damage."""
    names = {
        "calibrate, sealed",
        "killed-procedure",
        "arc two",
        "passport",
        "calibration",
        "preset",
    }
    for kind in (one for one in KINDS if one.name in names):
        source = (whole if kind.file.startswith("made/") else OLD) / kind.file
        file = tmp_path / source.name
        shutil.copy(source, file)
        # What was killed is not drawn before it is resumed.
        command = REPORT if kind.name.startswith("killed") else kind.commands[0]
        answer = server.run(tmp_path, *(word.replace("FILE", file.name) for word in command))
        assert answer.code == 0, (kind.name, answer)
        for left in tmp_path.iterdir():
            left.unlink()
