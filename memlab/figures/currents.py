"""The picture of vector-matrix products: the current of every column for every vector."""

from __future__ import annotations

from pathlib import Path

from memlab.figures.style import new_figure, save_figure
from memlab.runs.opening import open_for_reading

__all__ = ["plot_currents"]


def plot_currents(run: Path, picture: Path) -> None:
    """Draw a run file of `memlab vmm`.

    Parameters
    ----------
    run
        The run file.
    picture
        Picture to write; an existing one is replaced.
    """
    with open_for_reading(run) as file:
        entry = file["entry"]
        current, columns = entry["vmm/current"][()], entry["vmm/column"][()]
        title = f"Vector-matrix products, {entry.attrs['board']}"
    figure = new_figure(width=7.0, height=3.2)
    axes = figure.subplots()
    image = axes.imshow(
        1e6 * current,
        aspect="auto",
        interpolation="nearest",
        cmap="viridis",
        extent=(columns[0] - 0.5, columns[-1] + 0.5, len(current) - 0.5, -0.5),
    )
    axes.set_xlabel("Column")
    axes.set_ylabel("Vector")
    figure.colorbar(image, ax=axes, label="Column current (µA)")
    figure.suptitle(title, fontsize="small")
    save_figure(figure, picture)
