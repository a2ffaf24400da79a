"""What the colours of a map span, and which lines it shows."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from support.drawn import figures_of

from memlab.figures.cell_map import common_limits, draw_cells, measured_lines, robust_limits
from memlab.figures.conductance_map import plot_map
from memlab.figures.fitting import folded
from memlab.figures.heading import place_of
from memlab.figures.style import given, say
from memlab.figures.units import scale_of, spelt
from memlab.units import plain

rng = np.random.default_rng(1)


def test_eleven_stuck_cells_do_not_stretch_the_colours_and_are_counted(tmp_path: Path) -> None:
    values = rng.normal(220.0, 4.0, 8192)
    good = values[11:].copy()
    values[:11] = 4500.0
    low, high = robust_limits(values)
    assert (low, high) == (good.min(), good.max())
    chip = 1e-6 * values.reshape(128, 64)
    axes = figures_of(lambda: plot_map(chip, "", tmp_path / "map.png"))[0].axes
    assert axes[0].get_title() == "▲ 11 above the scale"
    assert len(axes[0].lines[0].get_xdata()) == 11
    assert "11 not shown" in " ".join(one.get_title() for one in axes)


def test_equal_cells_need_no_bar_but_a_quantity_and_a_unit(tmp_path: Path) -> None:
    equal = np.full((8, 8), 2.5e-4)
    axes = figures_of(lambda: plot_map(equal, "", tmp_path / "map.png"))[0].axes
    assert axes[0].get_title() == "Conductance: all 250 µS"
    nothing = np.full((8, 8), -0.0)
    axes = figures_of(lambda: plot_map(nothing, "", tmp_path / "map.png"))[0].axes
    assert axes[0].get_title() == "Conductance: all 0 µS"


@pytest.mark.parametrize(
    ("first", "number", "expected"),
    [(0, 128, [0, 50, 100]), (0, 64, [0, 20, 40, 60]), (40, 8, [40, 42, 44, 46]), (5, 1, [5])],
)
def test_lines_are_numbered_in_round_steps(
    tmp_path: Path, first: int, number: int, expected: list[int]
) -> None:
    rows = np.arange(first, first + number)
    values = np.full((number, 2), 1e-4)
    draw = lambda: plot_map(values, "", tmp_path / "map.png", (rows, np.arange(2)))  # noqa: E731
    axes = figures_of(draw)[0].axes[0]
    assert [int(label.get_text()) for label in axes.get_yticklabels()] == expected
    assert [rows[int(tick)] for tick in axes.get_yticks()] == expected


def test_two_states_of_many_cells_each_are_both_within_the_colours() -> None:
    values = np.concatenate([rng.normal(10.0, 1.0, 2000), rng.normal(300.0, 5.0, 6000)])
    low, high = robust_limits(values)
    assert low < 15.0
    assert high > 300.0


def test_what_a_sixth_of_the_cells_have_learnt_is_within_the_colours_of_both_maps() -> None:
    before = rng.normal(220.0, 4.0, (34, 60))
    after = before.copy()
    after.flat[rng.choice(after.size, after.size // 6, replace=False)] += 100.0
    low, high = common_limits([before, after])
    assert (low, high) == (before.min(), robust_limits(after)[1])
    assert (after > high).mean() < 0.02


def test_a_panel_that_says_why_it_is_empty_has_nothing_else_on_it() -> None:
    axes = Figure().subplots()
    axes.axhline(0.0)
    axes.fill_between([0.0, 1.0], [0.0, 1.0])
    say(axes, "no cell responds")
    assert not axes.lines
    assert not axes.collections


def test_the_range_of_nothing_is_a_range() -> None:
    assert robust_limits(np.full(4, np.nan)) == (0.0, 1.0)
    assert robust_limits(np.array([np.nan, 3.0])) == (3.0, 3.0)


def test_only_the_lines_with_cells_are_shown() -> None:
    mask = np.zeros((128, 64), bool)
    assert measured_lines(mask) == (slice(None), slice(None))
    mask[40, 20] = mask[47, 27] = True
    assert measured_lines(mask) == (slice(40, 48), slice(20, 28))


def test_a_number_stays_with_its_unit_where_a_title_is_broken() -> None:
    accuracy = "train 17.9 %, test 11.9 %, balanced 19.3 %"
    assert folded(accuracy, 0.7) == "train 17.9 %, test\n11.9 %, balanced 19.3 %"
    assert folded("Wires: 0.276 ± 0.343 Ω per segment", 0.7) == (
        "Wires: 0.276 ± 0.343 Ω\nper segment"
    )


def test_units_are_spelt_with_their_greek_letters() -> None:
    assert [spelt(unit) for unit in ("uS", "uS/V", "mV", "u", "ohm", "kohm", "1")] == [
        *("µS", "µS/V", "mV", "u", "Ω", "kΩ", "1")
    ]
    assert scale_of([np.nan, -2e-4], units="S") == (1e-6, "µS")
    assert scale_of(np.full(3, np.nan), units="V") == (1.0, "V")


def test_what_is_no_number_is_said_to_be_not_determined() -> None:
    assert given("spread {:.1f} µS", 3.14) == "spread 3.1 µS"
    assert given("Wires: {:.1f} ± {:.1f} Ω", 0.3, float("nan")) == "Wires not determined"


def test_numbers_of_titles_have_no_powers_of_ten() -> None:
    assert given("lifetime {:.2g} ± {:.1g} pulses", 352855.4, 2021342.6) == (
        "lifetime 350000 ± 2000000 pulses"
    )
    assert plain("330 3.3e+02 -9.1e+03 1.2e-05 4e+12") == "330 330 -9100 1.2e-05 4e+12"


def test_chip_and_board_are_named_whether_told_by_an_array_or_by_a_file() -> None:
    told = {"board": {"name": "some board", "serial": "B-3"}, "passport": {"chip": "C-7"}}
    filed = {"board.name": "some board", "board.serial": "B-3", "passport.chip": "C-7"}
    for instrument in (told, filed):
        assert place_of([instrument]) == "chip C-7, some board B-3"
    assert place_of([{"board": {"name": "emulated", "serial": "D-1"}, "passport": None}]) == (
        "chip D-1, emulated"
    )
    assert place_of([{}]) == ""


def test_text_stays_text_in_pdf_and_svg(tmp_path: Path) -> None:
    for name in ("map.pdf", "map.svg"):
        plot_map(np.full((2, 3), 1e-4), "What was done", tmp_path / name)
    pdf = (tmp_path / "map.pdf").read_bytes()
    assert b"/CIDFontType2" in pdf, "TrueType, which readers can search and editors can change"
    assert b"/Type3" not in pdf
    assert "What was done</text>" in (tmp_path / "map.svg").read_text()


def test_a_few_cells_that_differ_from_all_others_are_shown_and_not_called_equal() -> None:
    values = np.zeros((128, 64))
    values[:2, :4] = 33.0
    figure = Figure()
    axes = figure.subplots()
    draw_cells(axes, values, (np.arange(128), np.arange(64)), "Pulses", title="So far")
    (image,) = axes.images
    assert image.get_clim() == (0.0, 33.0)
    assert "all" not in axes.get_title()
    assert len(figure.axes) == 2  # with a scale
