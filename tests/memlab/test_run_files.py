"""Every run file of every kind, as the tools of other people see it, and `report` and `plot`."""

import contextlib
import json
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import chexus
import h5py
import numpy as np
import pytest
import xarray
from fixtures.make_fixtures import PROCEDURES, TRAININGS
from nexusformat.nexus.validate import logger as nexus_logger
from nexusformat.nexus.validate import validate_file
from support.any_run import look_at, status_of, type_in
from support.old_files import FIXTURES
from support.outside import install, installed

from memlab.characterize import Region, plan_procedures, resume, run_procedures
from memlab.characterize.imported import write_foreign_log
from memlab.experiments import make_plan, run
from memlab.operations import ProgramConfig, multiply, program_target, read_map
from memlab.runs import RunFile
from memlab.runs.arc import read_arc_log

BOARD = "emulator:?seed=1&chip=ta-hfo2"
FORMING = f"{BOARD}&forming.voltage=2.6"
CELLS = Region("0:4", "0:6", (), None)
SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture(scope="module", autouse=True)
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Install kinds of other people."""
    target = tmp_path_factory.mktemp("site")
    network, sets = SCRIPTS / "own_network.py", SCRIPTS / "own_procedure.py"
    install(target, "our-moons", network, "experiment", {"moons": "Moons"})
    install(target, "our-sets", sets, "procedure", {"second-set": "SecondSet"})
    with installed(target):
        yield


def procedure(name: str) -> Callable[[Path], object]:
    settings = OWN_SETTINGS.get(name) or PROCEDURES[name]
    board = FORMING if name == "forming" else BOARD

    def make(out: Path) -> None:
        plans = plan_procedures([name], board=board, settings=settings, out=out)
        run_procedures(plans, board, CELLS, figure=False)

    return make


OWN_SETTINGS = {"forming": ("steps=4",), "second-set": ("cycles=3", "chip=ta-hfo2")}
SMALL_MOONS = ("data.points=30", "network.units=3", "train.epochs=3", "train.batch=10")


def moons(*settings: str) -> Callable[[Path], object]:
    given = (*SMALL_MOONS, *settings)
    return lambda out: run(make_plan("moons", settings=given, out=out), figure=False)


def training(name: str) -> Callable[[Path], object]:
    command, experiment, epochs, settings = TRAININGS[name]
    given = [*settings, *(["method=ex-situ"] if command == "transfer" else [])]
    return lambda out: run(
        make_plan(experiment, epochs=epochs, settings=given, out=out), figure=False
    )


def programmed(out: Path) -> None:
    target = np.full((128, 64), np.nan)
    target[:4, :6] = 3e-4
    np.save(out.with_suffix(".npy"), target)
    program_target(out.with_suffix(".npy"), BOARD, ProgramConfig(), out=out, figure=False)


def multiplied(out: Path) -> None:
    np.save(out.with_suffix(".npy"), np.full((3, 128), 0.1))
    multiply(out.with_suffix(".npy"), BOARD, out=out)


def calibrated(out: Path) -> None:
    type_in(
        "calibrate", "--board", BOARD, "--program", "--passes", "1", "--no-store", "--out", str(out)
    )


def imported(name: str) -> Callable[[Path], object]:
    log = FIXTURES / "d9f9529" / "imports" / name
    return lambda out: write_foreign_log(read_arc_log(log), log, out)


def stopped(moment: int) -> Callable[[Path], object]:
    """Return a maker of a procedure that was interrupted after some readings."""

    def make(out: Path) -> None:
        plans = plan_procedures(["set"], board=BOARD, settings=PROCEDURES["set"], out=out)

        def watch(name: str, reading: int) -> None:
            if reading == moment:
                raise KeyboardInterrupt

        with contextlib.suppress(KeyboardInterrupt):
            run_procedures(plans, BOARD, CELLS, watch=watch, figure=False)

    return make


def resumed(out: Path) -> None:
    stopped(3)(out)
    resume(out, figure=False)


def rescued(out: Path) -> None:
    """Make the file of a training that was killed."""
    whole = out.with_name("whole.h5")
    training("airline-epochs")(whole)
    from memlab.runs.rescue import copy_run

    copy_run(whole, out, {"training": 1})
    with h5py.File(out, "r+") as file:
        file["entry"].attrs["status"] = "running"
    RunFile.resume(out, {}).close("interrupted")


KINDS: dict[str, Callable[[Path], object]] = {
    **{name: procedure(name) for name in ("forming", *PROCEDURES)},
    **{name: training(name) for name in TRAININGS if not name.startswith("mnist")},
    "program": programmed,
    "read": lambda out: read_map(BOARD, CELLS, out=out, figure=False),
    "vmm": multiplied,
    "calibrate": calibrated,
    "arc-one": imported("arc-one.csv"),
    "arc-two": imported("arc-two-log.h5"),
    "second-set": procedure("second-set"),
    "moons": moons(),
    "moons-transferred": moons("method=ex-situ"),
    "interrupted": stopped(3),
    "resumed": resumed,
    "rescued": rescued,
}


def datasets(path: Path) -> dict[str, h5py.Dataset]:
    found: dict[str, h5py.Dataset] = {}

    def visit(name: str, item: h5py.HLObject) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    return found


QUICK = {*("forming", "program", "arc-one", "interrupted", "moons")}


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=() if kind in QUICK else pytest.mark.slow) for kind in KINDS],
)
def test_a_run_file_is_at_home_everywhere(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / f"{kind}.h5"
    KINDS[kind](path)

    with xarray.open_datatree(path, engine="h5netcdf") as tree:
        named = {
            f"{node.path[1:]}/{name}": item.values
            for node in tree.subtree
            for name, item in node.to_dataset(inherit=False).variables.items()
        }
    found = datasets(path)
    assert named.keys() == found.keys()
    for name, value in found.items():
        if value.dtype.kind != "O":
            np.testing.assert_array_equal(named[name], value, err_msg=name)

    file = chexus.read_hdf5(str(path))
    has_scipp = "scipp" in sys.modules or _has("scipp")
    results = chexus.validate(
        next(file), validators=chexus.validators.base_validators(has_scipp=has_scipp)
    )
    assert sum(result.checks for result in results.values()) > 10
    assert {r.format_details() for r in results.values() if r.fails} == set()
    file.close()

    nexus_logger.setLevel(logging.WARNING)
    nexus_logger.addHandler(caplog.handler)
    try:
        # It writes into what it checks, which `runs validate` tells.
        copy = tmp_path / "copy" / path.name
        copy.parent.mkdir()
        copy.write_bytes(path.read_bytes())
        validate_file(str(copy))
    finally:
        nexus_logger.removeHandler(caplog.handler)
    said = [record for record in caplog.records if record.name == nexus_logger.name]
    assert any("Total number of errors" in record.getMessage() for record in said)
    errors = [record.getMessage() for record in said if record.levelno == logging.ERROR]
    assert errors == []

    page, picture = tmp_path / "report.html", tmp_path / "picture.png"
    document = json.loads(type_in("report", str(path), "--out", str(page), "--json"))
    assert document["runs"] == [{"run": str(path), "status": status_of(path)}]
    assert b"data:image/png" in page.read_bytes()
    type_in("runs", "plot", str(path), "--out", str(picture))
    assert picture.read_bytes()[:4] == b"\x89PNG"
    look_at(path)


def _has(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


@pytest.mark.parametrize("kind", ["read-noise", "airline-full", "program"])
def test_a_flipped_bit_in_the_data_is_seen_by_any_reader(kind: str, tmp_path: Path) -> None:
    """Flip one bit in a chunk of every dataset that has chunks: HDF5 itself refuses to read it."""
    path = tmp_path / "run.h5"
    KINDS[kind](path)
    places: dict[str, int] = {}
    with h5py.File(path, "r") as file:

        def visit(name: str, item: h5py.HLObject) -> None:
            if not isinstance(item, h5py.Dataset) or item.dtype.kind == "O" or not item.size:
                return
            if item.chunks is None:
                assert item.shape == ()  # in the header, which has a checksum
                return
            assert item.fletcher32, name
            chunk = item.id.get_chunk_info(item.id.get_num_chunks() - 1)
            places[name] = chunk.byte_offset + chunk.size // 2

        file.visititems(visit)
    assert len(places) > 10
    whole = path.read_bytes()
    flipped = bytearray(whole)
    for place in places.values():
        flipped[place] ^= 0x10
    path.write_bytes(flipped)
    with h5py.File(path, "r") as file:
        for name in places:
            with pytest.raises(OSError, match="filter"):
                file[name][()]
