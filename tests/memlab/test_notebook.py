"""What a notebook shows of arrays, runs, findings and chips: light, escaped, no device asked."""

import re
import subprocess
import sys
import threading
import time
from base64 import b64decode
from contextlib import closing
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from support.run_writer import Writer

import memlab
import memlab.notebook
from memlab.array.board_array import BoardArray
from memlab.emulator import EmulatedBoard
from memlab.errors import SettingError
from memlab.markup import card, escape, plain, small_map, table
from memlab.notebook import RunWatch
from memlab.passport import Passport
from memlab.runs import Findings, Quantity

EVIL = "<script>alert(1)</script>\"'&"


class Page(HTMLParser):
    """What a browser would make of it: tags, texts, pictures."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.images: list[dict[str, str]] = []
        self.feed(html)
        self.close()
        assert not self.open, "every tag is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag == "img":
            self.images.append({name: value or "" for name, value in attrs})
        else:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.texts)


def shown(thing: object) -> Page:
    page = Page(thing._repr_html_())  # type: ignore[attr-defined]
    assert "script" not in page.tags
    return page


def decoded(image: dict[str, str]) -> np.ndarray:
    """Return the palette numbers of a picture in a page, shape (rows, columns), 0 where clear."""
    data = b64decode(image["src"].removeprefix("data:image/png;base64,"))
    picture = Image.open(BytesIO(data))
    assert (picture.format, picture.mode, picture.info["transparency"]) == ("PNG", "P", 0)
    return np.asarray(picture)


def test_a_map_has_a_pixel_for_each_cell_and_says_its_scale() -> None:
    values = np.linspace(100e-6, 300e-6, 6).reshape(3, 2)
    values[1, 0] = np.nan
    page = Page(small_map(values, "S", EVIL))
    pixels = decoded(page.images[0])
    assert pixels.shape == (3, 2)
    assert pixels[1, 0] == 0
    assert pixels[0, 0] == 1
    assert pixels[2, 1] == 255
    assert (np.diff(pixels.ravel()[[0, 1, 3, 4, 5]].astype(int)) > 0).all()
    assert "3 rows x 2 columns" in page.images[0]["alt"]
    assert "µS" in page.text
    assert "1 without a value" in page.text
    assert EVIL in page.text


@pytest.mark.parametrize("values", [np.full((2, 3), 5.0), np.full((2, 3), np.nan), [[-1e-9, 0.0]]])
def test_a_map_of_one_value_or_of_none_is_told(values: np.ndarray) -> None:
    page = Page(small_map(values, "S"))
    assert page.images or "no cell has a value" in page.text
    assert "-0 " not in page.text


def test_names_stay_text() -> None:
    for html in (card(EVIL, [(EVIL, EVIL)], mark=EVIL), table([(EVIL, EVIL)], (EVIL, EVIL))):
        page = Page(html)
        assert "script" not in page.tags
        assert page.text.count(EVIL) >= 3


def test_a_text_of_a_file_turns_no_number_round() -> None:
    """U+202E and its like would have what follows read backwards: 12.5 as 5.21."""
    marks = "".join(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F)))
    html = card(marks, [(marks, f"{marks}12.5\n")], [small_map([[1.0]], "S", marks)], mark=marks)
    assert not set(html) & set(marks)
    assert plain(f"{marks[4]}b\n\x1b[31m 1\xa0500") == "\ufffdb\ufffd\ufffd[31m 1\xa0500"
    assert escape("one\ntwo\t<") == "one\ntwo\t&lt;"


def test_an_array_shows_what_is_known_and_asks_no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    with memlab.open_array("emulator:?seed=7&chip=ta-hfo2") as array:
        board, asked = array.board, []
        before = shown(array)
        assert "EMULATOR" in before.text
        assert "nothing of it was read yet" in before.text
        part = array[2:7, 1:4]
        part.program(1.4)
        read = part.read_conductance()
        array[2:3, 1:2].reset_row(0)
        clock = array.simulation.clock  # type: ignore[union-attr]
        for name in ("read", "vmm", "pulse", "ground", "configure"):
            monkeypatch.setattr(EmulatedBoard, name, lambda *a, **k: asked.append(a))
        own, whole = shown(part), shown(array)
        assert not asked
        assert board.simulation is not None
        assert array.simulation.clock == clock  # type: ignore[union-attr]
        monkeypatch.undo()
    assert "1 RESETs" in own.text
    assert "pulses sent since the first of it: 1" in own.text
    pixels = decoded(own.images[0])
    assert pixels.shape == (5, 3)
    assert np.array_equal(np.argmax(pixels), np.argmax(read))
    seen = decoded(whole.images[0]) != 0
    assert seen.shape == array.shape
    assert seen[2:7, 1:4].all()
    assert seen.sum() == 15


def test_an_ideal_array_says_that_it_is_none() -> None:
    with memlab.open_array("ideal:?shape=4x3") as array:
        assert "IDEAL" in shown(array).text


def test_findings_show_error_number_and_meaning() -> None:
    findings = Findings()
    findings.add(Quantity("slope", "S/V", EVIL), 1.2e-4, 3e-6, n=24, of="cells")
    findings.add_undetermined(Quantity("lost", "1", "what is missing"), "nothing was lost")
    cells = Quantity("level", "S", "of each cell", ("row", "column"))
    findings.add(cells, np.linspace(1e-6, 2e-6, 6).reshape(2, 3))
    page = shown(findings)
    for text in ("120.0 ± 3.0 µS/V", "24 cells", "nothing was lost", "not determined", EVIL):
        assert text in page.text
    assert len(page.images) == 1


def test_a_run_shows_what_it_is_and_its_last_map(tmp_path: Path) -> None:
    from memlab.nn import layers

    x = np.random.default_rng(1).random((8, 3))
    with memlab.open_array("emulator:?seed=3") as array:
        model = memlab.Model([layers.Dense(2)], array, input_shape=3)
        run = model.fit(
            x, np.arange(8) % 2, epochs=1, out=tmp_path / "<b>run.h5", figure=False,
            labels=memlab.session.Labels((EVIL,)),
        )  # fmt: skip
    page = shown(run)
    assert "EMULATOR" in page.text
    assert EVIL in page.text
    assert "train_accuracy" in page.text
    assert decoded(page.images[0]).shape == (8, 2)
    (tmp_path / "<b>run.h5").unlink()
    assert "there is no file" in shown(run).text


def test_a_chip_shows_pulses_and_what_was_read_last(tmp_path: Path) -> None:
    path = tmp_path / "<b>.passport"
    with memlab.open_array(f"emulator:?seed=7&passport={path}") as array:
        assert isinstance(array, BoardArray)
        array[0:2, 0:3].program(1.4)
        array[0:2, 0:3].read_conductance()
    with Passport.read(path) as passport:
        page = shown(passport)
    assert len(page.images) == 2
    assert "6 of 8192 cells" in page.text
    assert (decoded(page.images[1]) != 0).sum() == 6


class Place:
    """Stands for the output of a cell."""

    def __init__(self) -> None:
        self.pages: list[Page] = []
        self.changed = threading.Event()

    def update(self, shown: object) -> None:
        page = Page(shown._repr_html_())  # type: ignore[attr-defined]
        assert "script" not in page.tags
        self.pages.append(page)
        self.changed.set()

    def wait(self, text: str) -> Page:
        end = time.monotonic() + 60.0
        while time.monotonic() < end:
            self.changed.clear()
            if self.pages and text in self.pages[-1].text:
                return self.pages[-1]
            self.changed.wait(0.2)
        raise AssertionError(f"{text} was not shown: {self.pages[-1].text if self.pages else ''}")


def test_a_run_under_way_is_shown_until_it_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, place = tmp_path / "run.h5", Place()

    def display(shown: object, *, display_id: bool) -> Place:
        place.update(shown)
        return place

    fake = SimpleNamespace(display=display)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(display=fake))
    monkeypatch.setitem(sys.modules, "IPython.display", fake)
    with closing(Writer(run)) as writer:
        watched = memlab.notebook.watch(run, every=0.05)
        place.wait("0 of 6")
        assert "stop() ends it" in repr(watched)
        writer.tell("5")
        page = place.wait("2 of 6")
        assert "loss: 1 to 0.2 over 5" in page.text
        assert "dense, 2 rows x 3 columns" in page.text
        assert "IDEAL" in page.text
        assert writer.tell("close") == "closed"
        place.wait("finished")
        watched.wait(60.0)
        assert "ended" in repr(watched)
        watched.stop()


def test_a_run_that_is_killed_or_gone_is_told(tmp_path: Path) -> None:
    run, place = tmp_path / "run.h5", Place()
    with closing(Writer(run)) as writer:
        watched = RunWatch(run, every=0.05)
        watched.follow(place)
        kept = run.rename(tmp_path / "kept.h5")
        place.wait("Not readable now")
        kept.rename(run)
        writer.tell("3")
        place.wait("1 of 6")
        writer.kill()
        place.wait("killed")
        watched.stop()
    with pytest.raises(SettingError, match="more than 0"):
        RunWatch(run, every=0.0)


def test_looking_loads_no_plotting() -> None:
    code = (
        "import sys, memlab\n"
        "with memlab.open_array('emulator:?seed=7') as array:\n"
        "    array[0:2].read_conductance(); array._repr_html_()\n"
        "print(sorted({'matplotlib', 'h5py', 'bokeh', 'IPython'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert re.fullmatch(r"", done.stderr)
