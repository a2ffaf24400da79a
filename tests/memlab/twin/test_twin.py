"""A twin fitted to runs of a chip with secret parameters predicts other runs of that chip."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.stats import ks_2samp
from support.command import in_process

from memlab.characterize import Region, plan_procedures, run_procedures
from memlab.cli import cli
from memlab.emulator import load_preset
from memlab.errors import DataError, SettingError
from memlab.twin import Fit, compare, fit, load_runs, write_preset
from memlab.twin.compare import distances_of, holm

REGION = Region(columns="0:24")  # 128 x 24 cells
STEPS = 8  # up, and as many down
FITTED_SEED, HELD_OUT_SEEDS = 1, (11, 12)


def draw_secret(rng: np.random.Generator) -> dict[str, float]:
    """Draw a chip whose parameters nobody knows, on an ideal (calibrated) board."""
    return {
        "set_slope": rng.uniform(80e-6, 160e-6),
        "set_offset": rng.uniform(20e-6, 120e-6),
        "reset_conductance": rng.uniform(10e-6, 25e-6),
        "noise": rng.uniform(3e-6, 8e-6),
        "non_responsive": rng.uniform(0.02, 0.08),
        "spread.set_slope": rng.uniform(0.02, 0.08),
        "spread.set_offset": rng.uniform(3e-6, 8e-6),
        "spread.reset": rng.uniform(0.1, 0.3),
        "spread.cycle": rng.uniform(0.01, 0.02),
        "defects.stuck_on": rng.uniform(0.01, 0.03),
        "defects.stuck_off": rng.uniform(0.01, 0.03),
        "read_noise.white": rng.uniform(0.003, 0.008),
        "board.adc.noise": rng.uniform(0.5, 1.5),
    }


def staircase(folder: Path, secret: dict[str, float], seed: int) -> Path:
    out = folder / f"staircase-{seed}.h5"
    options = "".join(f"&{name}={value!r}" for name, value in secret.items())
    url = f"emulator:?chip=ta-hfo2&seed={seed}{options}"
    plans = plan_procedures(["staircase"], board=url, settings=[f"steps={STEPS}"], out=out)
    run_procedures(plans, url, REGION, figure=False)
    return out


@pytest.fixture(scope="module")
def secret() -> dict[str, float]:
    return draw_secret(np.random.default_rng(20261124))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, secret: dict[str, float]) -> Path:
    return staircase(tmp_path_factory.mktemp("fitted"), secret, FITTED_SEED)


@pytest.fixture(scope="module")
def fitted(run: Path) -> Fit:
    return fit(load_runs([run]), load_preset("ta-hfo2"))


@pytest.fixture(scope="module")
def held_out(tmp_path_factory: pytest.TempPathFactory, secret: dict[str, float]) -> list[Path]:
    folder = tmp_path_factory.mktemp("held-out")
    return [staircase(folder, secret, seed) for seed in HELD_OUT_SEEDS]


def test_every_secret_parameter_is_recovered_within_its_error(
    fitted: Fit, secret: dict[str, float]
) -> None:
    found = {one.name: one for one in fitted.fitted}
    assert found.keys() >= secret.keys()
    deviations = [(found[k].value - secret[k]) / found[k].error for k in secret]
    # 13 deviations, whose errors are known to 20 %: one in 1000 fits has one beyond 4.5, and the
    # sum of their squares is that of chi-squared with 13 degrees, 34.5 once in 1000, times 1.2^2.
    assert np.max(np.abs(deviations)) < 4.5
    assert np.sum(np.square(deviations)) < 34.5 * 1.2**2
    for name in ("set_slope", "set_offset", "noise", "spread.cycle", "spread.set_slope"):
        assert found[name].error < 0.1 * found[name].value, name


def test_the_twin_passes_a_two_sample_test_against_held_out_runs(
    fitted: Fit, held_out: list[Path]
) -> None:
    comparison = compare(fitted.preset, load_runs(held_out))
    assert len(comparison.steps) == 2 * (2 * STEPS + 1 + 2 * STEPS)
    assert comparison.agrees, comparison.disagreeing


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"set_slope": 1.03}, id="slope"),
        pytest.param({"noise": 1.8}, id="noise"),
        pytest.param({"spread.set_offset": 0.0, "noise": 1.5}, id="cells taken for pulses"),
        pytest.param({"non_responsive": 4.0}, id="dead cells"),
    ],
)
def test_a_wrong_twin_fails_the_test(
    fitted: Fit, held_out: list[Path], wrong: dict[str, float]
) -> None:
    changes = {name: factor * fitted.preset.parameter(name) for name, factor in wrong.items()}
    assert not compare(fitted.preset.replace(**changes), load_runs(held_out[:1]), twins=4).agrees


def test_a_preset_file_holds_the_twin_and_the_source_of_each_number(
    fitted: Fit, tmp_path: Path
) -> None:
    path = tmp_path / "twin.toml"
    write_preset(path, fitted, "ta-hfo2", "a board")
    loaded = load_preset(str(path))
    for one in fitted.fitted:
        assert loaded.parameter(one.name) == one.value
    text = path.read_text()
    assert '"set_slope" = "staircase, staircase-1.h5; one standard error' in text
    assert loaded.set == load_preset("ta-hfo2").set


def test_commands_write_a_preset_and_say_where_it_disagrees(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    small = tmp_path / "small.h5"
    url = "emulator:?chip=ta-hfo2&seed=5&set_slope=130e-6"
    plans = plan_procedures(["staircase"], board=url, settings=["steps=5"], out=small)
    run_procedures(plans, url, Region(rows="0:40", columns="3:15"), figure=False)
    result = CliRunner().invoke(cli, ["chip", "fit", str(small), "--out", "twin.toml", "--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    slope = document["fitted"]["set_slope"]
    assert abs(slope["value"] - 130e-6) < 4.5 * slope["error"]
    assert "wires.resistance" in document["unchanged"]
    for twin, agrees in (("twin.toml", True), ("ta-hfo2", False)):
        result = CliRunner().invoke(cli, ["chip", "compare", twin, str(small), "--json"])
        assert result.exit_code == 0, result.output
        document = json.loads(result.stdout)
        assert document["agrees"] is agrees
        assert Path(document["figure"]).is_file()
    again = CliRunner().invoke(cli, ["chip", "fit", str(small), "--out", "twin.toml"])
    assert isinstance(again.exception, SettingError)


def test_an_unfinished_run_is_refused(run: Path, tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    copy = tmp_path / "killed.h5"
    copy.write_bytes(run.read_bytes())
    with h5py.File(copy, "r+") as file:
        file["entry"].attrs["status"] = "running"
    with pytest.raises(DataError, match="memlab runs resume"):
        load_runs([copy])


def test_holm_multiplies_the_smallest_by_the_number_of_tests() -> None:
    # Worked by hand: 3 x 0.01, 2 x 0.02, then no smaller than that.
    assert np.allclose(holm(np.array([0.03, 0.01, 0.02])), [0.04, 0.03, 0.04])


def test_the_distance_is_that_of_kolmogorov_and_smirnov() -> None:
    rng = np.random.default_rng(4)
    chip = np.round(rng.normal(0.2, 1.0, 300), 1)  # with ties
    twins = [np.round(rng.normal(0.0, 1.0, size), 1) for size in (200, 250, 300)]
    expected = ks_2samp(chip, np.concatenate(twins), method="asymp").statistic
    assert np.isclose(distances_of(chip, twins)[0], expected, rtol=1e-12)


def test_cells_that_share_an_error_count_as_fewer() -> None:
    rng = np.random.default_rng(4)
    cells, lines = 2000, 20

    def sample() -> np.ndarray:
        shared = rng.normal(0.0, 1.0, lines)
        return np.repeat(shared, cells // lines) + rng.normal(0.0, 1.0, cells)

    # Half of the variance belongs to lines of 100 cells: the mean varies 1 + 99 / 2 times as much.
    assert distances_of(sample(), [sample() for _ in range(20)])[1] > 10.0
    independent = [rng.normal(0.0, 1.0, cells) for _ in range(20)]
    assert 0.5 < distances_of(independent[0], independent[1:])[1] < 2.0


UNCALIBRATED = {
    "board.amplifier.offset": 0.23e-3,
    "board.dac.offset": 0.67e-3,
    "board.amplifier.mismatch": 1e-3,
    "board.adc.offset": 1.0,
    "spread.set_slope": 0.02,
}


def test_a_board_nobody_calibrated_is_no_spread_of_cells(tmp_path: Path) -> None:
    run = staircase(tmp_path, UNCALIBRATED, 4)
    fitted = fit(load_runs([run]), load_preset("ta-hfo2"))
    found = {one.name: one for one in fitted.fitted}
    spread = found["spread.set_slope"]
    assert abs(spread.value - 0.02) < 4.5 * spread.error
    assert spread.error < 0.002
    # Nor does it hide a law that is wrong by a tenth.
    other = load_runs([staircase(tmp_path, UNCALIBRATED, 5)])
    assert compare(fitted.preset, other, twins=4).agrees
    steep = fitted.preset.replace(set_slope=1.1 * found["set_slope"].value)
    assert not compare(steep, other, twins=4).agrees


def test_a_run_with_the_errors_of_its_board_in_it_is_not_fitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As memlab wrote them before it measured what flows at 0 V.
    monkeypatch.setattr("memlab.characterize.staircase.Staircase.vector_coordinates", None)
    run = staircase(tmp_path, UNCALIBRATED, 4)
    monkeypatch.undo()
    with pytest.raises(DataError, match=r"share an error.*calibrate"):
        fit(load_runs([run]), load_preset("ta-hfo2"))
    # A twin whose board errs as much explains it.
    errors = {name: value for name, value in UNCALIBRATED.items() if name.startswith("board")}
    assert fit(load_runs([run]), load_preset("ta-hfo2").replace(**errors)).fitted


def test_a_comparison_says_what_it_could_have_found(tmp_path: Path) -> None:
    run = load_runs([staircase(tmp_path, {"set_slope": 98e-6}, 4)])
    right = load_preset("ta-hfo2")
    same = compare(right, run, twins=4)
    assert same.agrees
    change, tests = same.smallest_change
    assert tests == 2 * STEPS + 1
    # A change of that size is found, one of a fifth of it is not.
    for part, found in ((1.3, True), (0.2, False)):
        factor = 1.0 + part * change
        other = right.replace(set_slope=factor * 98e-6, set_offset=factor * 120e-6)
        assert compare(other, run, twins=4).agrees != found
    p = [one.p for one in same.ranked]
    assert p == sorted(p)


def test_one_cell_tells_no_spread_and_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, twin = tmp_path / "one.h5", tmp_path / "twin.toml"
    board = ("--board", "emulator:?chip=ta-hfo2&seed=1")
    words = ("--cells", "3,5", "--set", "steps=4", "--quiet", "--out", str(out))
    assert in_process(capsys, "characterize", "staircase", *board, *words)[0] == 0
    code, _, talk = in_process(capsys, "chip", "fit", str(out), "--out", str(twin))
    (line,) = talk.splitlines()
    assert (code, "one.h5 has 1 cell; a twin needs at least 2" in line) == (1, True), line
    assert not twin.exists()
