"""The page of a run shows what the file holds, as plots and as numbers, and nothing else."""

import json
import re
import shutil
from collections.abc import Callable
from html import unescape
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("bokeh", reason="the extra live is not installed")
from bokeh.document import Document
from bokeh.models import DataTable, Plot
from support.live_pages import Looked, Shown

from memlab.cli import cli
from memlab.errors import DataError
from memlab.live.colours import SCHEMES
from memlab.live.folder import FolderSource
from memlab.live.folder_page import FolderPage
from memlab.live.run_source import RunSource
from memlab.report import summarise, write_page
from memlab.runs import open_run

PageOf = Callable[[Path], Shown]


def test_a_training_has_loss_maps_voltages_and_currents(
    live_runs: dict[str, Path], page_of: PageOf
) -> None:
    shown = page_of(live_runs["train"])
    titles = [title.partition(" (")[0] for title in shown.panels]
    assert titles == [
        *("Progress", "Loss", "Conductance", "Change since the map before"),
        *("Histogram of conductances", "Gate voltage", "Raw currents of the last VMMs"),
        *("Results", "Faults", "Settings that differ from the defaults", "What it is"),
    ]
    assert shown.head.startswith("train.h5")
    assert "EMULATOR" in shown.head
    assert "finished" in shown.head
    with h5py.File(live_runs["train"]) as file:
        entry = file["entry"]
        loss, maps = entry["training/loss"][()], entry["lstm/conductance"][()]
        gates = entry["lstm/gate_voltage"][-1]
    ((update, drawn),) = shown.curve("Loss")
    assert update.tolist() == [1, 2, 3, 4]
    assert np.array_equal(drawn, loss)
    assert shown.numbers("Loss")["last"] == [f"{loss[-1]:.5g}"]
    assert np.allclose(shown.image("Conductance"), 1e6 * maps[-1], rtol=1e-6)
    assert np.allclose(shown.image("Change"), 1e6 * (maps[-1] - maps[-2]), rtol=1e-4, atol=1e-5)
    assert np.allclose(shown.image("Gate voltage"), gates, rtol=1e-6)
    assert shown.numbers("Conductance")["median"] == [f"{1e6 * np.median(maps[-1]):.4g} µS"]
    assert shown.numbers("Progress")["epochs"] == ["4 of 4"]
    assert shown.numbers("Progress")["SETs"] == [f"{open_run(live_runs['train']).counts['set']:,}"]
    assert "time on the real board" in shown.numbers("Progress")


def test_another_group_of_cells_is_chosen(live_runs: dict[str, Path], page_of: PageOf) -> None:
    shown = page_of(live_runs["train"])
    choice = shown.panel("Conductance").children[1]
    assert (choice.value, choice.options) == ("lstm", ["lstm", "dense"])
    choice.value = "dense"
    last = open_run(live_runs["train"]).last_maps()["dense"].conductance
    assert np.allclose(shown.image("Conductance"), 1e6 * last, rtol=1e-6)


def test_currents_are_those_of_the_codes(live_runs: dict[str, Path], page_of: PageOf) -> None:
    shown = page_of(live_runs["iv"])
    with h5py.File(live_runs["iv"]) as file:
        current, column = file["entry/vmm/current"][-3:], file["entry/vmm/column"][()]
    for (x, y), one in zip(shown.curve("Raw currents"), current, strict=True):
        assert np.array_equal(x, column)
        assert np.allclose(y, 1e6 * one)


def test_a_sweep_has_curves_of_its_cells_and_no_loss(
    live_runs: dict[str, Path], page_of: PageOf
) -> None:
    shown = page_of(live_runs["iv"])
    assert not any(title.startswith(("Loss", "Gate")) for title in shown.panels)
    record = open_run(live_runs["iv"]).record
    voltage = record.readings.coordinate("voltage")
    curves = shown.curve("I-V curves")
    assert len(curves) == 6
    for (x, y), cell in zip(curves, record.conductance.T, strict=True):
        assert np.array_equal(x, voltage, equal_nan=True)
        assert np.allclose(y, 1e3 * voltage * cell, equal_nan=True)
    assert list(shown.numbers("I-V curves"))[1:] == [
        f"[{row}, {column}]" for row in (3, 4) for column in (7, 8, 9)
    ]
    median = shown.curve("Cells of the procedure")[1][1]
    assert np.allclose(median, 1e6 * np.median(record.conductance, axis=1))


def test_a_test_of_yield_has_classes_of_cells(live_runs: dict[str, Path], page_of: PageOf) -> None:
    shown = page_of(live_runs["yield"])
    with h5py.File(live_runs["yield"]) as file:
        codes = file["entry/result/fault"][()]
    assert np.array_equal(shown.image("Classes"), codes)
    passed = int((codes == 0).sum())
    assert passed
    assert shown.numbers("Classes")["pass"] == [f"{passed:,}"]
    assert shown.numbers("Faults")["pulses in doubt"] == ["0"]


def test_units_are_spelt_and_short_words_are_not_broken(
    live_runs: dict[str, Path], page_of: PageOf
) -> None:
    shown = page_of(live_runs["iv"])
    assert " nS" in str(shown.numbers("Results"))
    assert not re.search(r"\d uS", shown.html)
    cells = re.findall(r"<t[hd]\b([^>]*)>([^<]+)<", shown.html)
    for about, words in cells:
        longest = max(map(len, unescape(words).split()), default=0)
        assert ("short" in about) == (longest <= 10), (about, words)


def test_one_map_has_no_change(live_runs: dict[str, Path], page_of: PageOf) -> None:
    shown = page_of(live_runs["map"])
    titles = [title.partition(" (")[0] for title in shown.panels]
    assert titles[:3] == ["Progress", "Conductance", "Histogram of conductances"]


@pytest.mark.parametrize("name", ["train", "iv"])
@pytest.mark.parametrize("values", [[np.nan], [np.inf, -np.inf], [np.nan, np.inf, -1e308, 1e308]])
def test_what_is_no_number_or_too_large_is_no_error(
    live_runs: dict[str, Path], page_of: PageOf, tmp_path: Path, name: str, values: list[float]
) -> None:
    path = tmp_path / "run.h5"
    shutil.copy(live_runs[name], path)

    def spoil(_: str, item: h5py.HLObject) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype == np.float64:
            item[...] = np.resize(values, item.shape)

    with h5py.File(path, "r+") as file:
        file["entry"].visititems(spoil)
    with np.errstate(all="ignore"):  # as in the server
        shown = page_of(path)
        shown.document.to_json()
    assert "Raw currents of the last VMMs" in shown.panels
    if name == "train" and np.isnan(values).all():
        assert "loss not finite (nan)" in shown.head, "who trains wants to know it"


def test_names_of_a_file_are_text(
    live_runs: dict[str, Path], page_of: PageOf, tmp_path: Path
) -> None:
    bad = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    path = tmp_path / f"{bad.replace('/', '')}.h5"
    shutil.copy(live_runs["train"], path)
    with h5py.File(path, "r+") as file:
        entry = file["entry"]
        entry.attrs.update({"title": bad, "tags": f'["{bad}"]', "note": bad, "board": bad})
        entry["instrument"].attrs["board.serial"] = bad
        entry["result/test_rmse"].attrs["long_name"] = bad
        for part in ("", "_vmm"):
            entry.move(f"lstm{part}", f"<script>alert(3)<|script>{part}")
    shown = page_of(path)
    for what in ("<script", "<img"):
        assert what not in shown.html
    assert "&lt;script&gt;" in shown.html
    # Nothing of a file is taken for HTML or a formula, or becomes a script.
    kinds = {type(one).__name__ for one in shown.document.models}
    assert not {name for name in kinds if "CustomJS" in name or "Template" in name}
    assert "$$" not in str(shown.document.to_json())


def test_a_page_stays_when_its_file_cannot_be_read(
    live_runs: dict[str, Path], page_of: PageOf
) -> None:
    shown = page_of(live_runs["train"])
    before = list(shown.panels)
    assert not shown.page.note.visible
    shown.again(shown.watch.last, "train.h5 is <gone>")
    assert shown.page.note.visible
    assert "&lt;gone&gt;" in shown.page.note.text
    assert list(shown.panels) == before
    shown.again(RunSource(live_runs["map"]).look())
    assert not shown.page.note.visible
    assert shown.head.startswith("map.h5")
    assert "Loss" not in [title.partition(" (")[0] for title in shown.panels]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_plot_takes_the_colours_of_the_page(
    live_runs: dict[str, Path], page_of: PageOf, scheme: str
) -> None:
    shown = page_of(live_runs["iv"])
    shown.page.scheme.value = scheme
    plots = list(shown.document.select({"type": Plot}))
    assert len(plots) >= 5
    for plot in plots:
        assert plot.border_fill_color == SCHEMES[scheme].page
        assert {axis.axis_label_text_color for axis in plot.axis} == {SCHEMES[scheme].text}


def test_a_page_that_is_closed_is_told_nothing_more(
    live_runs: dict[str, Path], page_of: PageOf
) -> None:
    shown = page_of(live_runs["map"])
    (destroyed,) = shown.document.callbacks.session_destroyed_callbacks
    destroyed(None)
    assert shown.watch.listeners == []


def test_a_change_upwards_is_red_on_a_page_as_in_a_picture() -> None:
    from matplotlib import colormaps

    from memlab.live.plots import PALETTES

    lowest, highest = (bytes.fromhex(PALETTES["change"][end][1:]) for end in (0, -1))
    for shown, drawn in ((lowest, 0.0), (highest, 1.0)):
        as_drawn = colormaps["RdBu_r"](drawn)
        assert (shown[0] > shown[2]) == (as_drawn[0] > as_drawn[2])


TURN = "\u202e1.5"


@pytest.fixture
def turned(live_runs: dict[str, Path], tmp_path: Path) -> Path:
    """A training whose texts turn the direction of what follows."""
    path = Path(shutil.copy(live_runs["train"], tmp_path / f"{TURN}.h5"))
    with h5py.File(path, "r+") as file:
        entry = file["entry"]
        for name in ("title", "preset", "board", "notes"):
            entry.attrs[name] = TURN
        entry.attrs["tags"] = json.dumps([TURN])
        entry["instrument"].attrs["board.serial"] = TURN
        entry.copy("lstm", f"lstm{TURN}")
    return path


def test_no_text_of_a_file_turns_what_follows(turned: Path, page_of: PageOf) -> None:
    shown = page_of(turned)
    assert TURN[0] not in shown.html + shown.document.title
    assert shown.html.count("\ufffd1.5") > 4
    choice = shown.panel("Conductance").children[1]
    assert (f"lstm{TURN}", "lstm\ufffd1.5") in choice.options
    document = Document()
    FolderPage(document, Looked(FolderSource(turned.parent).look()), lambda name: None)
    (table,) = document.select({"type": DataTable})
    assert TURN[0] not in repr(dict(table.source.data)) + document.title
    assert table.source.data["name"] == ["\ufffd1.5.h5"]
    report = turned.parent / "report.html"
    write_page(report, TURN, [(summarise(turned), [])])
    assert TURN[0] not in report.read_text(encoding="utf-8")


@pytest.fixture
def diverged(live_runs: dict[str, Path], tmp_path: Path) -> Path:
    """A training whose losses are no numbers, but for one between two of these."""
    path = Path(shutil.copy(live_runs["train"], tmp_path / "diverged.h5"))
    with h5py.File(path, "r+") as file:
        entry = file["entry"]
        entry["training/loss"][:] = [np.nan, 2.5, np.inf, np.nan]
        entry["spent/seconds"][:] = np.inf
        entry.attrs["seconds"], entry.attrs["on_board.seconds"] = np.nan, np.inf
    return path


def test_losses_that_are_no_numbers_are_counted_and_one_between_them_is_drawn(
    diverged: Path, page_of: PageOf
) -> None:
    shown = page_of(diverged)
    assert "loss not finite (nan)" in shown.head
    assert shown.numbers("Progress")["loss"] == ["not finite (nan)"]
    assert shown.numbers("Progress")["time on the real board"] == ["not finite (inf)"]
    numbers = shown.numbers("Loss")
    assert (numbers["last"], numbers["not finite"]) == (["not finite (nan)"], ["3 of 4"])
    (plot,) = shown.panel("Loss").select({"type": Plot})
    _, dots = plot.renderers
    assert dots.view.filter.booleans == [False, True, False, False]
    told = CliRunner().invoke(cli, ["runs", "watch", str(diverged), "--once"])
    assert "loss not finite (nan)" in told.output, told.exception
    told = CliRunner().invoke(cli, ["runs", "watch", str(diverged), "--once", "--json"])
    assert json.loads(told.stdout, parse_constant=pytest.fail)["vitals"]["loss"]["value"] is None


def test_a_file_that_holds_something_else_is_told_why(
    live_runs: dict[str, Path], tmp_path: Path
) -> None:
    path = Path(shutil.copy(live_runs["train"], tmp_path / "other.h5"))
    with h5py.File(path, "r+") as file:
        del file["entry/training/loss"]
        file["entry/training/loss"] = np.zeros((3, 4))
    with pytest.raises(DataError, match="training/loss has 2 dimensions") as told:
        RunSource(path).look()
    assert "TypeError" not in str(told.value)
