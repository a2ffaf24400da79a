"""The table of runs is filtered, sorted and chosen from; chosen runs stand side by side."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

pytest.importorskip("bokeh", reason="the extra live is not installed")
from bokeh.document import Document
from support.live_pages import Looked, Shown

from memlab.live.folder import FolderSource
from memlab.live.folder_page import FolderPage
from memlab.live.pages import _FolderPages
from memlab.live.run_source import RunSource


@pytest.fixture
def shown(live_runs: dict[str, Path], tmp_path: Path) -> Shown:
    for path in live_runs.values():
        shutil.copy(path, tmp_path)
    source = FolderSource(tmp_path)
    seen = source.look()
    assert seen is not None
    while seen.left:
        seen = source.look() or seen
    document, watch = Document(), Looked(seen)

    def watch_of(name: str) -> Looked | None:
        path = source.find(name)
        return None if path is None else Looked(RunSource(path).look())

    return Shown(document, FolderPage(document, watch, watch_of), watch)


def names(shown: Shown) -> list[str]:
    return list(shown.page._table.source.data["name"])


def number(shown: Shown, name: str) -> int:
    return int(shown.page._table.source.data["number"][names(shown).index(name)])


def test_newest_runs_come_first_and_any_column_sorts(shown: Shown) -> None:
    table = shown.page._table
    started = list(table.source.data["started"])
    assert started == sorted(started, reverse=True)
    for title, name in (
        ("run", "name"),
        ("kind", "kind"),
        ("seconds", "seconds"),
        ("No.", "number"),
    ):
        table.sort.value = title
        values = [value for value in table.source.data[name] if value == value]
        assert values == sorted(values), title
    assert len(names(shown)) == 5


def test_filter_and_tag_choose_together(shown: Shown) -> None:
    table = shown.page._table
    assert table.tag.options == ["(all)", "second", "sweeps"]
    table.filter.value = "airline"
    assert sorted(names(shown)) == ["other.h5", "train.h5"]
    table.tag.value = "second"
    assert names(shown) == ["other.h5"]
    table.filter.value = ""
    table.tag.value = "sweeps"
    assert names(shown) == ["iv.h5"]


def test_two_trainings_side_by_side(shown: Shown, live_runs: dict[str, Path]) -> None:
    first, second = number(shown, "train.h5"), number(shown, "other.h5")
    shown.page._table.chosen.value = f"{first}, {second}"
    titles = list(shown.panels)
    assert titles[:2] == ["Runs that were chosen", "Loss of each run"]
    curves = shown.curve("Loss of each run")
    maps = []
    for (update, loss), name in zip(curves, ("train", "other"), strict=True):
        with h5py.File(live_runs[name]) as file:
            assert np.array_equal(loss, file["entry/training/loss"][()])
            maps.append(file["entry/lstm/conductance"][-1])
        assert update[0] == 1
    drawn = shown.image("lstm: other.h5 less train.h5")
    assert np.allclose(drawn, 1e6 * (maps[1] - maps[0]), rtol=1e-4, atol=1e-4)
    assert shown.numbers("What differs")["seed"] == ["5", "6"]
    assert shown.numbers("Runs that were chosen")["seed"] == ["5", "6"]
    assert shown.panel("What differs").children[-1].text.count(">seed<") == 1
    assert "/?run=train.h5" in shown.page._links.text


def test_rows_that_are_clicked_are_chosen(shown: Shown) -> None:
    table = shown.page._table
    table.source.selected.indices = [names(shown).index("iv.h5")]
    assert table.chosen.value == str(number(shown, "iv.h5"))
    assert list(shown.panels) == ["Runs that were chosen"]
    table.chosen.value = "x 99999 -1 ²"
    assert list(shown.panels) == []


def test_a_choice_outlives_a_new_order(shown: Shown) -> None:
    table = shown.page._table
    table.source.selected.indices = [names(shown).index("iv.h5")]
    for title in ("run", "kind", "newest first"):
        table.sort.value = title
        assert [names(shown)[k] for k in table.source.selected.indices] == ["iv.h5"]
        assert table.chosen.value == str(number(shown, "iv.h5"))


def test_runs_without_anything_in_common_have_a_table_only(shown: Shown) -> None:
    table = shown.page._table
    table.chosen.value = f"{number(shown, 'yield.h5')} {number(shown, 'train.h5')}"
    assert [title.partition(" between")[0] for title in shown.panels] == [
        *("Runs that were chosen", "What differs"),
    ]


def test_names_of_files_are_text(live_runs: dict[str, Path], tmp_path: Path) -> None:
    bad = tmp_path / "<img src=x onerror=alert(1)>"
    bad.mkdir()
    name = "<script>alert(1)<script>.h5"
    shutil.copy(live_runs["map"], bad / name)
    (bad / "<script>2.h5").write_bytes(b"nonsense")
    source = FolderSource(bad)
    document, watch = Document(), Looked(source.look())
    page = FolderPage(document, watch, lambda one: Looked(RunSource(bad / one).look()))
    page._table.chosen.value = "1"
    shown = Shown(document, page, watch)
    for what in ("<script", "<img"):
        assert what not in shown.html
    assert "%3Cscript%3E" in page._links.text
    assert "&lt;script&gt;2.h5" in shown.html


def test_a_scan_under_way_is_told_and_the_table_comes_in_growing_parts(shown: Shown) -> None:
    seen = shown.watch.last
    parts = [replace(seen, entries=seen.entries[:n], left=5 - n) for n in range(1, 5)]
    many = replace(seen, entries=seen.entries * 9, left=1)
    grown = replace(many, entries=many.entries + seen.entries, left=4000)
    sent = []
    for one in (*parts, seen, many, grown, replace(grown, left=0)):
        shown.again(one)
        sent.append(shown.page._table.total)
        if one.left:
            assert f"{one.left:,} files are still to be read" in shown.head
    assert sent[-4:] == [5, 45, 45, 50], "it is sent again when it has grown by a quarter"


def test_a_run_that_is_not_there_is_told(tmp_path: Path) -> None:
    document = Document()
    context = SimpleNamespace(request=SimpleNamespace(arguments={"run": [b"none.h5"]}))
    document._session_context = lambda: context
    _FolderPages(FolderSource(tmp_path))(document)
    (head, *_) = document.roots[0].children
    assert "There is no run none.h5 here" in head.text
    assert 'href="/"' in head.text
