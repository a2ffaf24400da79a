"""`memlab data`: which data sets are here, where, and how to get the rest."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import rich_click as click

from memlab.cli.command import Command, Group
from memlab.cli.options import NEW, json_option
from memlab.cli.streams import tell
from memlab.datasets import CATALOG, Status, data_directory, fetch_mnist, look
from memlab.datasets.gait import FRAMES
from memlab.datasets.store import MissingDataError
from memlab.errors import SettingError
from memlab.storage import write_over

__all__ = ["data"]


_where_option = click.option(
    "--data",
    "where",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Data directory.  [default: $MEMLAB_DATA, else ~/.local/share/memlab]",
)


@click.group(cls=Group)
def data() -> None:
    """List, fetch and find the data sets. Nothing is ever downloaded except by `fetch`."""


@data.command(name="list", cls=Command)
@_where_option
@json_option
def list_command(where: Path | None, as_json: bool) -> None:
    """List the data sets, whether they are here, and how to get the others."""
    states = [look(name, where) for name in CATALOG]
    directory = str(data_directory(where))
    document = {"directory": directory, "datasets": [_document(status) for status in states]}
    lines = [f"data directory {directory}"]
    for status in states:
        place = status.path or ("built in" if status.present else "missing")
        lines += [f"{status.name:15} {place}", f"{'':15} {status.entry.title}"]
        if not status.present:
            lines.append(f"{'':15} {status.entry.how_to_get}")
    tell(document, as_json, lambda _: lines)


@data.command(cls=Command)
@click.argument("name", type=click.Choice(list(CATALOG)))
@_where_option
@json_option
def fetch(name: str, where: Path | None, as_json: bool) -> None:
    """Download a data set into the data directory; only MNIST can be downloaded.

    The four files come from MEMLAB_MNIST_URL, or from a public mirror, and are kept only if their
    unpacked content has the published checksums.
    """
    if name == "mnist":
        fetch_mnist(where, progress=False)
    status = look(name, where)
    if not status.present:
        raise MissingDataError(
            f"memlab cannot download {name}: {status.entry.how_to_get} ({data_directory(where)})"
        )
    text = f"{name}: {status.path or status.entry.how_to_get}"
    tell(_document(status), as_json, lambda _: [text])


@data.command(cls=Command)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("out", type=NEW)
@click.option(
    "--camera", is_flag=True, help="Frames of a camera that stands still, and no silhouettes."
)
@click.option(
    "--frames",
    type=click.IntRange(min=1),
    default=FRAMES,
    show_default=True,
    help="Length of a sequence.",
)
@click.option(
    "--stride",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="From one sequence to the next, in frames.",
)
@json_option
def widths(folder: Path, out: Path, camera: bool, frames: int, stride: int, as_json: bool) -> None:
    """Make gait of pictures in FOLDER/PERSON/RECORDING, and write it to OUT.npz.

    The pictures are silhouettes, or frames of a camera that stands still: of a video `ffmpeg -i
    walk.avi FOLDER/PERSON/RECORDING/%04d.png` makes them. `memlab train gait --data OUT.npz` takes
    what comes out.
    """
    from memlab.datasets.silhouettes import gait_of_pictures

    path = out if out.suffix == ".npz" else out.with_name(f"{out.name}.npz")
    if path.exists():
        raise SettingError(f"{path} exists already; choose another name, or remove it")
    if not path.parent.is_dir():
        raise SettingError(f"cannot write {path}: there is no folder {path.parent}")
    made = gait_of_pictures(folder, camera=camera, frames=frames, stride=stride)
    packed = BytesIO()
    np.savez_compressed(packed, allow_pickle=False, **made)
    write_over(path, lambda file: file.write(packed.getvalue()))
    counts = {
        "persons": len(made["persons"]),
        "passes": len(np.unique(made["group"])),
        "sequences": len(made["x"]),
    }
    text = ", ".join(f"{count} {name}" for name, count in counts.items())
    tell({"path": str(path), **counts}, as_json, lambda _: [f"{path}: {text}"])


@data.command(cls=Command)
@click.argument("name", required=False, type=click.Choice(list(CATALOG)))
@_where_option
@json_option
def path(name: str | None, where: Path | None, as_json: bool) -> None:
    """Print the data directory, or the file of one data set, on stdout."""
    if name is None:
        directory = str(data_directory(where))
        tell({"directory": directory}, as_json, lambda _: [directory])
        return
    status = look(name, where)
    if not status.present:
        raise MissingDataError(
            f"no {name} data in {data_directory(where)}; {status.entry.how_to_get}"
        )
    tell(_document(status), as_json, lambda _: [str(status.path or status.entry.how_to_get)])


def _document(status: Status) -> dict[str, Any]:
    return {
        "name": status.name,
        "present": status.present,
        "path": str(status.path) if status.path else None,
        "title": status.entry.title,
        "experiments": list(status.entry.experiments),
        "how_to_get": status.entry.how_to_get,
    }
