"""`memlab report`: one page that needs nothing else, and figures, from any run file."""

import json
from html.parser import HTMLParser
from pathlib import Path

import h5py
import pytest
from click.testing import CliRunner
from matplotlib.figure import Figure

from memlab.characterize import Region, plan_procedures, run_procedures
from memlab.cli import cli
from memlab.errors import DataError, SettingError
from memlab.experiments import make_plan
from memlab.experiments import run as train
from memlab.figures import style
from memlab.report import Row, draw_pictures, summarise
from memlab.report.pictures import maps_of


class Page(HTMLParser):
    """Collects the text, the addresses of everything that is loaded, and unclosed elements."""

    def __init__(self, html: str):
        super().__init__()
        self.text, self.addresses, self.open = "", [], []
        self.names: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.names += [value or "" for name, value in attributes if name == "id"]
        self.addresses += [value or "" for name, value in attributes if name in ("src", "href")]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "<b>chip.h5"
    settings = ["steps=4", "chip=ta-hfo2", "chip.noise=3e-6"]
    plans = plan_procedures(["staircase"], settings=settings, out=out)
    run_procedures(plans, "emulator:", Region(rows="0:20", columns="5:12"), figure=False)
    return out


def report(*arguments: object) -> dict[str, object]:
    result = CliRunner().invoke(cli, ["report", *map(str, arguments), "--json"])
    assert result.exit_code == 0, result.output
    document: dict[str, object] = json.loads(result.stdout)
    return document


def test_the_page_holds_everything_and_loads_nothing(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    document = report(run, "--out", out, "--figures", tmp_path / "figures", "--title", "A & <i>")
    page = Page(out.read_text(encoding="utf-8"))
    assert not page.open
    assert all(one.startswith(("data:image/png;base64,", "#")) for one in page.addresses)
    assert sum(one.startswith("data:") for one in page.addresses) == 2
    assert page.text.count("<b>chip.h5") == 3  # escaped: text, not an element
    anchors = {one for one in page.addresses if one.startswith("#")}
    assert anchors <= {f"#{name}" for name in page.names}, "every entry of the index leads there"
    assert "#run-1" in anchors
    assert "A & <i>" in page.text
    for words in ("nothing here was measured on silicon", "SET law: slope of the mean", "µS/V"):
        assert words in page.text
    figures = [Path(name) for name in document["figures"]]  # type: ignore[attr-defined]
    assert sorted(path.suffix for path in figures) == [".pdf", ".pdf", ".png", ".png"]
    assert all(path.read_bytes()[:4] in (b"%PDF", b"\x89PNG") for path in figures)


def test_only_settings_that_differ_from_the_defaults_are_listed(run: Path) -> None:
    assert summarise(run).settings == [
        Row("chip", "ta-hfo2", "by default ta-hfo2-full"),
        Row("chip.noise", "3e-06", "by default 4e-06"),
        Row("steps", "4", "by default 15"),
    ]


def test_results_have_their_error_and_unit(run: Path) -> None:
    with h5py.File(run) as file:
        slope = 1e6 * file["entry/result/set_slope"][()]
        error = 1e6 * file["entry/result/set_slope_error"][()]
    row = next(row for row in summarise(run).results if row.name == "set_slope")
    value, sign, deviation, unit = row.value.split()
    assert (sign, unit) == ("±", "uS/V")
    assert float(deviation) == pytest.approx(error, rel=0.05)
    assert float(value) == pytest.approx(slope, abs=0.06 * error)


def test_a_killed_run_is_reported_as_such(run: Path, tmp_path: Path) -> None:
    killed = tmp_path / "killed.h5"
    killed.write_bytes(run.read_bytes())
    with h5py.File(killed, "r+") as file:
        file["entry"].attrs["status"] = "running"
        del file["entry/result"]
    out = tmp_path / "report.html"
    document = report(killed, "--out", out)
    assert document["runs"] == [{"run": str(killed), "status": "killed"}]
    page = Page(out.read_text(encoding="utf-8"))
    assert "This run has not finished" in page.text
    assert sum(one.startswith("data:") for one in page.addresses) == 1  # the last reading


def test_a_training_run_is_reported_with_its_metrics(tmp_path: Path) -> None:
    run, out = tmp_path / "airline.h5", tmp_path / "report.html"
    train(make_plan("airline", epochs=1, out=run), figure=False)
    report(run, "--out", out)
    text = Page(out.read_text(encoding="utf-8")).text
    assert "Test RMSE test_rmse" in text
    assert "47 months of test" in text
    assert "thousand passengers" in text
    assert "train.epochs" in text


def test_other_files_and_existing_pages_are_refused(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["x"] = 1
    result = CliRunner().invoke(cli, ["report", str(other), "--out", str(tmp_path / "a.html")])
    assert isinstance(result.exception, DataError)
    assert not (tmp_path / "a.html").exists()
    page = tmp_path / "page.html"
    page.write_text("mine")
    result = CliRunner().invoke(cli, ["report", str(run), "--out", str(page)])
    assert isinstance(result.exception, SettingError)
    assert page.read_text() == "mine"


def test_maps_of_one_quantity_have_one_colour_scale_through_the_page(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "read.h5"
    make = ["read", "--rows", "0:3", "--board", "emulator:?seed=5&set_offset=3e-4"]
    assert CliRunner().invoke(cli, [*make, "--out", str(other)]).exit_code == 0
    ends: list[tuple[str, float, float]] = []
    kept = style.save_figure

    def keep(figure: Figure, path: Path) -> None:
        for axes in figure.axes:
            ends.extend(
                (image.colorbar.ax.get_ylabel(), *image.get_clim())
                for image in axes.images
                if image.colorbar is not None
            )
        kept(figure, path)

    monkeypatch.setattr(style, "save_figure", keep)
    pictured = draw_pictures([summarise(one) for one in (run, other)])
    scales = {one[1:] for one in ends if one[0] == "Conductance (µS)"}
    assert len(scales) == 1
    maps = [1e6 * one for one in maps_of([summarise(run), summarise(other)]).values()]
    ((low, high),) = scales
    for values in maps:
        assert ((low <= values) & (values <= high)).mean() > 0.9
    assert all(not one.pdf for pictures in pictured for one in pictures), "nobody asked for them"


def test_what_was_found_for_each_cell_is_told_in_numbers(run: Path) -> None:
    rows = {name: (text, of) for name, text, of, _ in summarise(run).run.findings.arrays()}
    text, of = rows["cell_slope"]
    assert text.count("uS/V") == 3
    assert of == "140 of 140 over row, column"
