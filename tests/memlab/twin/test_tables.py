"""Tables of measured cells become twins; here of chips whose truth is known, in other units."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from memlab.cli import cli
from memlab.emulator import ChipPreset, load_preset
from memlab.errors import DataError, SettingError
from memlab.twin import compare_table, fit_table, parse_mapping, read_table
from memlab.twin.gate_sweep import SweepProtocol, measured_sweeps, run_sweeps
from memlab.twin.tables import Kind, Table

# A chip that is none of ours: steep, with an onset at 1.1 V and a saturation.
TRUTH = {
    "set_slope": 600e-6,
    "set_offset": -660e-6,
    "set_onset": 30e-6,
    "set_saturation": 400e-6,
    "reset_conductance": 8e-6,
    "spread.set_offset": 20e-6,
    "spread.set_level": 0.05,
    "spread.cycle_gate": 0.02,
    "spread.cycle_onset": 0.8,
    "spread.cycle": 0.02,
    "spread.reset_log": 0.4,
    "spread.reset_cycle": 0.3,
}
GATES = np.arange(0.8, 1.95, 0.095)
COLUMNS = ("cell=device", "gate_voltage=WL:mV", "resistance=R:kohm")


def chip(**changes: float) -> ChipPreset:
    return load_preset("ideal").replace(**TRUTH, **changes)


def write_sweep(path: Path, cells: int = 80, seed: int = 6) -> Path:
    """Write the sweeps of a chip as a laboratory might: a cell after the other, mV and kohm."""
    protocol = SweepProtocol(GATES, sweeps=8, stop=np.inf, resets=True)
    sweeps = run_sweeps(chip(), protocol, seed, (4, cells // 4)).conductance
    lines = ["# measured on a Tuesday", "device,WL,R"]
    for cell in range(cells):
        for sweep in range(protocol.sweeps):
            for k, gate in enumerate(GATES):
                kohm = 1e-3 / max(sweeps[k, cell, sweep], 1e-8)
                lines.append(f"d{cell:03d},{gate * 1e3:.0f},{kohm:.6g}")
    lines += ["d000,900,-3", "d000,900,", "d000,900,nonsense"]
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sweep(tmp_path_factory.mktemp("sweep") / "sweep.csv")


def table(path: Path, columns: tuple[str, ...] = COLUMNS) -> Table:
    return read_table(path, [parse_mapping(text) for text in columns])


class TestMapping:
    @pytest.mark.parametrize(
        ("text", "factor"),
        [
            ("gate_voltage=WL:V", 1.0),
            ("gate_voltage=WL:mV", 1e-3),
            ("resistance=R:kohm", 1e3),
            ("resistance=R:Mohm", 1e6),
            ("resistance=R:Ω", 1.0),
            ("conductance=G:uS", 1e-6),
            ("conductance=G:µS", 1e-6),
            ("conductance=a:b:nS", 1e-9),
            ("time=t:us", 1e-6),
            ("width=w:ns", 1e-9),
            ("cell=a:b", 1.0),
        ],
    )
    def test_units_are_parsed(self, text: str, factor: float) -> None:
        assert parse_mapping(text).factor == pytest.approx(factor)

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("gate_voltage", "QUANTITY=NAME:UNIT"),
            ("gate_voltage=", "QUANTITY=NAME:UNIT"),
            ("gate=WL:V", "unknown quantity 'gate'; choose one of cell"),
            ("gate_voltage=WL", "unit is missing; write gate_voltage=WL:UNIT with V, mV"),
            ("gate_voltage=WL:mv", "'mv' is no unit"),
            ("resistance=R:S", "'S' is no unit of resistance; use ohm"),
            ("time=t:V", "no unit of time"),
            ("conductance=:S", "unit is missing"),
        ],
    )
    def test_what_is_no_mapping_says_what_is_allowed(self, text: str, said: str) -> None:
        with pytest.raises(SettingError, match=said):
            parse_mapping(text)

    @pytest.mark.parametrize(
        ("columns", "said"),
        [
            (("cell=device",), "must be time, cycle, pulse, gate_voltage"),
            (("cell=device", "gate_voltage=WL:V"), "needs conductance or resistance"),
            (("time=WL:s", "resistance=R:ohm"), "add --column cell=NAME"),
            (("gate_voltage=WL:V", "gate_voltage=R:V"), "given twice"),
            (("gate_voltage=WL:V", "resistance=R:ohm", "conductance=R:S"), "one and the same"),
        ],
    )
    def test_columns_that_are_no_table_are_refused(
        self, sweep: Path, columns: tuple[str, ...], said: str
    ) -> None:
        with pytest.raises(SettingError, match=said):
            table(sweep, columns)


def test_lines_that_mean_nothing_are_left_out_and_counted(sweep: Path) -> None:
    read = table(sweep)
    assert read.kind is Kind.GATE_SWEEP
    assert (read.cells, read.lines) == (80, 80 * 8 * GATES.size + 3)
    assert read.skipped == {
        "resistance missing or no number": 2,
        "resistance not above 0 ohm": 1,
    }
    assert read.values["gate_voltage"].max() == pytest.approx(GATES.max(), abs=1e-3)


def test_a_table_without_a_usable_line_says_why(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("device,WL,R\nd0,900,-3\nd0,-900,3\n")
    with pytest.raises(DataError, match=r"none of 2 lines means anything .*not above 0 ohm"):
        table(tmp_path / "t.csv")


def test_sweeps_that_were_stopped_and_steps_without_reset_are_recognised() -> None:
    stopped = SweepProtocol(GATES, sweeps=6, stop=150e-6, resets=False)
    sweeps = run_sweeps(chip(), stopped, 3, (8, 8)).conductance
    gate, cell, sweep = np.nonzero(np.isfinite(sweeps))
    order = np.lexsort((gate, sweep, cell))
    gate, cell, sweep = gate[order], cell[order], sweep[order]
    after = sweeps[gate, cell, sweep]
    before = np.where(gate > 0, sweeps[np.maximum(gate - 1, 0), cell, sweep], 8e-6)
    values = {
        "gate_voltage": GATES[gate],
        "conductance": after,
        "conductance_before": np.maximum(before, 1e-7),
    }
    read = Table(Path("x"), Kind.GATE_SWEEP, cell, 64, values, {}, cell.size)
    protocol, found, _ = measured_sweeps(read)
    assert protocol.stop == pytest.approx(150e-6, rel=0.02)
    assert not protocol.resets
    assert found.conductance.shape[1:] == (64, 6)


class TestGateSweep:
    @pytest.fixture
    def fitted(self, sweep: Path) -> dict[str, tuple[float, float]]:
        result = fit_table(table(sweep), load_preset("ideal"))
        return {one.name: (one.value, one.error) for one in result.fitted}

    def test_the_truth_is_found_within_its_errors(
        self, fitted: dict[str, tuple[float, float]]
    ) -> None:
        assert fitted.keys() >= TRUTH.keys()
        deviations = [(fitted[k][0] - TRUTH[k]) / fitted[k][1] for k in TRUTH]
        # Twelve deviations whose errors are known to about 10 %.
        assert np.max(np.abs(deviations)) < 4.5
        for name, tolerance in (("set_slope", 0.15), ("set_saturation", 0.15)):
            assert fitted[name][0] == pytest.approx(TRUTH[name], rel=tolerance)

    def test_half_of_the_cells_predict_the_others(self, sweep: Path, tmp_path: Path) -> None:
        columns = [part for text in COLUMNS for part in ("--column", text)]
        twin, run = tmp_path / "twin.toml", CliRunner().invoke
        asked = ["chip", "fit", str(sweep), *columns, "--half", "even", "--out", str(twin)]
        result = run(cli, [*asked, "--json"])
        assert result.exit_code == 0, result.output
        document = json.loads(result.stdout)
        assert document["table"]["cells"] == 80
        assert document["fitted"]["spread.cycle_gate"]["units"] == "V"
        asked = ["chip", "compare", str(twin), str(sweep), *columns, "--half", "odd"]
        result = run(cli, [*asked, "--out", str(tmp_path / "a.png"), "--json"])
        assert result.exit_code == 0, result.output
        document = json.loads(result.stdout)
        assert document["agrees"], document
        assert document["cells_compared"] == 40
        assert (tmp_path / "a.png").is_file()

    def test_a_wrong_twin_is_told_where(self, sweep: Path) -> None:
        wrong = chip().replace(**{"set_slope": 1.1 * TRUTH["set_slope"], "spread.cycle_gate": 0.06})
        comparison = compare_table(wrong, table(sweep), splits=200)
        found = {curve.name: curve for curve in comparison.curves}
        assert not comparison.agrees
        median = found["median"]
        assert not median.agrees
        # 10 % of the slope are nothing below the onset, and 60 uS/V V above it.
        assert not median.outside[median.x < 0.9].any()
        assert median.outside[median.x > 1.2].all()
        assert not found["spread within a cell"].agrees
        # A right one agrees.
        assert compare_table(chip(), table(sweep), splits=200).agrees

    def test_one_cell_alone_has_a_law_and_no_spread_between_cells(self, tmp_path: Path) -> None:
        path = write_sweep(tmp_path / "one.csv", cells=4)
        lines = [line for line in path.read_text().splitlines() if line[:4] in ("devi", "d000")]
        path.write_text("\n".join(lines))
        result = fit_table(table(path, COLUMNS[1:]), load_preset("ideal"))
        names = {one.name for one in result.fitted}
        assert {"set_slope", "set_saturation", "spread.cycle_gate"} <= names
        assert "spread.set_offset" not in names
        assert "one cell" in result.undetermined["spread.set_offset"]
        with pytest.raises(DataError, match="at least 4"):
            compare_table(result.preset, table(path, COLUMNS[1:]))


def straight(seed: int, cells: int, gates: int, sweeps: int) -> Table:
    """Cells of the plain law 98 uS/V Vg + 120 uS that differ by 5 uS, and their SETs by 4 uS."""
    rng = np.random.default_rng(seed)
    gate = np.linspace(0.8, 2.4, gates)
    shape = (cells, sweeps, gates)
    own, noise = rng.normal(0.0, 5e-6, (cells, 1, 1)), rng.normal(0.0, 4e-6, shape)
    values = {
        "gate_voltage": np.broadcast_to(gate, shape).ravel(),
        "conductance": (98e-6 * gate + 120e-6 + own + noise).ravel(),
    }
    cell = np.repeat(np.arange(cells), sweeps * gates)
    return Table(Path("straight"), Kind.GATE_SWEEP, cell, cells, values, {}, cell.size)


@pytest.mark.parametrize(
    ("seed", "cells", "gates", "sweeps", "base"),
    [
        (1, 20, 6, 5, "worst-case"),
        *(pytest.param(k, 30, 12, 10, "ideal", marks=pytest.mark.slow) for k in range(1, 5)),
    ],
)
def test_a_straight_law_has_no_onset_and_no_saturation(
    seed: int, cells: int, gates: int, sweeps: int, base: str
) -> None:
    # What bends the law of worst-case is not in the table either.
    ideal = load_preset("ideal").replace(set_saturation=load_preset(base).set_saturation)
    result = fit_table(straight(seed, cells, gates, sweeps), ideal)
    found = {one.name: (one.value, one.error) for one in result.fitted}
    # Medians of cells are known to 5 uS 1.25 / cells^(1/2) and better, over 1.6 V.
    for name, truth, largest in (("set_slope", 98e-6, 2e-6), ("set_offset", 120e-6, 4e-6)):
        value, error = found[name]
        assert 0.0 < error < largest, (name, error)
        assert abs(value - truth) < 4.5 * error, (name, value, error)
    assert (result.preset.set_onset, result.preset.set_saturation) == (0.0, 0.0)
    for name in ("set_onset", "set_saturation", "spread.cycle_onset"):
        assert "a law without it shows the table as well" in result.undetermined[name]


def test_a_parameter_at_an_end_of_its_range_has_no_error_and_is_told(
    sweep: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {
        "set_slope": (1e-6, 4.6e-7),
        "set_offset": (-5.4e-6, 4.6e-7),
        "spread.set_level": (0.0, 2.9e-3),
        "spread.cycle_onset": (3.0, 1.1e-5),
    }
    # Of the package, `fit_table` is the function.
    module = sys.modules["memlab.twin.fit_table"]
    monkeypatch.setattr(module, "fit_sweeps", lambda *_: (found, 0.5))
    result = fit_table(table(sweep), load_preset("ideal"))
    known = {one.name: one.known_error for one in result.fitted}
    assert known == {"set_slope": None, "set_offset": 4.6e-7, "spread.cycle_onset": None}
    assert result.preset.spread.cycle_onset == 3.0
    assert result.undetermined.keys() == {"set_slope", "spread.cycle_onset"}
    assert "the fit ends at 3, where" in result.undetermined["spread.cycle_onset"]


def test_a_table_that_would_fill_the_memory_is_refused() -> None:
    n = 30_000
    values = {"gate_voltage": np.linspace(0.0, 2.0, n), "conductance": np.full(n, 1e-6)}
    read = Table(Path("wide.csv"), Kind.GATE_SWEEP, np.arange(n), n, values, {}, n)
    # 200 gate voltages x 30,000 cells are fine; one cell that was swept 10,000 times is not.
    assert measured_sweeps(read)[1].conductance.shape == (200, n, 1)
    values["gate_voltage"][: n // 3] = 0.0
    cell = np.maximum(np.arange(n) - n // 3, 0)
    often = Table(Path("wide.csv"), Kind.GATE_SWEEP, cell, n, values, {}, n)
    with pytest.raises(DataError, match=r"wide.csv: 30000 cells at \d+ different places"):
        measured_sweeps(often)
