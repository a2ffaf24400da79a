"""Colours of plots for light and dark pages: told apart by colour-blind people, 3:1 on the page.

A page says which scheme its browser asks for, and `paint` gives it to all plots. Curves are those
of Okabe and Ito, in the lighter ones of them on dark pages, and differ in dashes too.
"""

from __future__ import annotations

from dataclasses import dataclass

from bokeh.models import Axis, ColorBar, Grid, Legend, Plot

__all__ = ["CLASSES", "DASHES", "SCHEMES", "Scheme", "paint", "series"]

DASHES = ("solid", "dashed", "dotdash", "dotted", "dashdot", "solid")

CLASSES = (
    "#bdbdbd",
    "#D55E00",
    "#0072B2",
    "#56B4E9",
    "#E69F00",
    "#F0E442",
    "#CC79A7",
    "#009E73",
    "#ffffff",
)
"""Of classes of cells by their codes; the same on light and dark pages."""


@dataclass(frozen=True)
class Scheme:
    """Colours of one look: of page, text, lines between, missing cells, and of curves."""

    page: str
    text: str
    line: str
    missing: str
    curves: tuple[str, ...]


SCHEMES = {
    "light": Scheme(
        "#ffffff",
        "#1a1a1a",
        "#d0d0d0",
        "#c4c4c4",
        ("#0072B2", "#D55E00", "#007a5a", "#9c4f80", "#8f6400", "#4a4a4a"),
    ),
    "dark": Scheme(
        "#15181c",
        "#e8e8e8",
        "#454b53",
        "#5a5f66",
        ("#56B4E9", "#F08A45", "#2FC79A", "#E3A3C6", "#E9B33C", "#c8c8c8"),
    ),
}


def series(number: int) -> list[str]:
    """Return the tag by which `paint` knows the colour of a curve."""
    return [f"series {number}"]


def paint(scheme: Scheme, *plots: Plot) -> None:
    """Give plots the colours of a scheme."""
    for plot in plots:
        plot.background_fill_color = plot.border_fill_color = scheme.page
        plot.outline_line_color = scheme.line
        for axis in plot.select(type=Axis):
            axis.axis_line_color = axis.major_tick_line_color = scheme.text
            axis.minor_tick_line_color = None
            axis.major_label_text_color = axis.axis_label_text_color = scheme.text
        for grid in plot.select(type=Grid):
            grid.grid_line_color = scheme.line if "quiet" not in grid.tags else None
        for bar in plot.select(type=ColorBar):
            bar.background_fill_color = scheme.page
            bar.major_label_text_color = bar.title_text_color = scheme.text
            bar.major_tick_line_color = scheme.text
            bar.color_mapper.nan_color = scheme.missing
        for legend in plot.select(type=Legend):
            legend.background_fill_color = scheme.page
            legend.border_line_color = scheme.line
            legend.label_text_color = scheme.text
        for renderer in plot.renderers:
            for tag in renderer.tags:
                if str(tag).startswith("series "):
                    colour = scheme.curves[int(str(tag).split()[1]) % len(scheme.curves)]
                    _colour(renderer.glyph, colour)


def _colour(glyph: object, colour: str) -> None:
    for name in ("line_color", "fill_color"):
        if hasattr(glyph, name) and getattr(glyph, name) is not None:
            setattr(glyph, name, colour)
