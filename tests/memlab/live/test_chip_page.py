"""The page of a chip shows what its passport holds, and the story of any cell."""

import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("bokeh", reason="the extra live is not installed")
from bokeh.document import Document
from bokeh.events import Tap
from support.live_pages import Looked, Shown

from memlab.cli import cli
from memlab.errors import DataError
from memlab.live.chip_page import ChipPage
from memlab.live.chip_view import ChipSource, story_of
from memlab.live.target import Sort, target_of
from memlab.passport import Passport


@pytest.fixture(scope="module")
def passport(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chip of which a few cells were tested, and fewer pulsed again."""
    folder = tmp_path_factory.mktemp("chip")
    board = f"emulator:?seed=3&chip=ta-hfo2-full&passport={folder / 'chip.sqlite'}"
    for words in (
        ["yield", "--rows", "2:11", "--columns", "5:9", "--out", str(folder / "yield.h5")],
        [
            *("staircase", "--rows", "3:5", "--columns", "6:9", "--set", "steps=3"),
            *("--out", str(folder / "<img src=x>.h5")),
        ],
    ):
        done = CliRunner().invoke(cli, ["characterize", *words, "--board", board, "--json"])
        assert done.exit_code == 0, done.output
    return folder / "chip.sqlite"


@pytest.fixture
def shown(passport: Path) -> Shown:
    watch, document = Looked(ChipSource(passport).look()), Document()
    page = ChipPage(document, watch, lambda row, column: story_of(passport, row, column))
    return Shown(document, page, watch)


def told(shown: Shown) -> str:
    """Return the story of the cell, when it has been read in the thread."""
    for _ in range(600):
        if shown.document.session_callbacks:
            break
        time.sleep(0.05)
    for callback in shown.document.session_callbacks:
        callback.callback()
    return str(shown.page._story.text)


def test_maps_are_those_of_the_passport(shown: Shown, passport: Path) -> None:
    with Passport.read(passport) as read:
        totals, masks = read.ledger.totals, read.masks()
        used = (totals.fired + totals.doubtful).astype(int)
        most = read.budgets.set
    assert np.array_equal(shown.image("Pulses so far"), used.sum(0))
    assert used.sum(0)[3, 6] > used.sum(0)[2, 5] > 0
    known = shown.image("Conductance read last")
    assert np.allclose(known, 1e6 * totals.known, equal_nan=True, rtol=1e-5)
    assert np.allclose(shown.image("Energy"), 1e9 * totals.energy, rtol=1e-5)
    assert most is not None
    budgets = np.maximum(used[0], used[1]) / most
    assert np.allclose(shown.image("Used part of the budgets"), 100 * budgets, rtol=1e-5)
    assert shown.numbers("Used part")["SETs"][1] == f"{used[0].max() / most:.2%}"
    classes = shown.image("Fault classes")
    assert np.array_equal(classes == 0, masks["pass"])
    assert shown.numbers("Fault classes")["pass"] == [f"{int(masks['pass'].sum()):,}"]
    assert shown.numbers("The chip")["pulsed cells"] == ["36 of 8,192"]


def test_row_and_column_tell_the_story_of_a_cell(shown: Shown, passport: Path) -> None:
    shown.page.row.value = 3
    assert "Click" in shown.page._story.text, "one number is no cell"
    shown.page.column.value = 8
    text = told(shown)
    story = story_of(passport, 3, 8)
    assert "Cell [3, 8]" in text
    assert len(story.runs) == 2
    for run in story.runs:
        assert f"{run.set:,} SETs, {run.reset:,} RESETs" in text
    assert "&lt;img src=x&gt;" in text
    assert "<img" not in shown.html + text
    assert shown.page._mark.data == {"x": [8], "y": [3]}


def test_a_click_chooses_the_cell_below_it(shown: Shown) -> None:
    plot = shown.page._maps["pulses"][0].plot
    shown.page._tapped(Tap(plot, x=7.4, y=4.3))
    assert (shown.page.row.value, shown.page.column.value) == (4, 7)
    assert "Cell [4, 7]" in told(shown)
    for x, y in ((-0.6, 3.0), (64.2, 3.0), (3.0, 128.0), (None, None)):
        shown.page._tapped(Tap(plot, x=x, y=y))
        assert (shown.page.row.value, shown.page.column.value) == (4, 7)


def test_a_passport_is_read_again_only_when_it_changed(passport: Path) -> None:
    source = ChipSource(passport)
    assert source.look() is not None
    assert source.look() is None
    with Passport(passport, (128, 64)) as writing:
        writing.calibration = "another"
    view = source.look()
    assert view is not None
    assert view.summary["calibration"] == "another"
    source.path = passport.with_name("gone.sqlite")
    with pytest.raises(DataError, match="not there"):
        source.look()


def test_nothing_is_written(passport: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in passport.parent.iterdir()}
    ChipSource(passport).look()
    story_of(passport, 3, 8)
    after = {path.name: path.stat().st_mtime_ns for path in passport.parent.iterdir()}
    assert after == before


def test_what_a_word_of_the_command_line_names(
    passport: Path, live_runs: dict[str, Path], tmp_path: Path
) -> None:
    chip = tmp_path / "chip.h5"
    read = ["read", "--board", f"emulator:?state={chip}", "--out", str(tmp_path / "map.npy")]
    made = CliRunner().invoke(cli, [*read, "--json"])
    assert made.exit_code == 0, made.output
    of_chip = target_of(str(chip))
    assert (of_chip.sort, of_chip.path.name) == (Sort.CHIP, "chip.h5.passport")
    assert target_of(str(passport)).sort is Sort.CHIP
    assert target_of(str(live_runs["map"])).sort is Sort.RUN
    assert target_of(str(passport.parent)).sort is Sort.FOLDER
