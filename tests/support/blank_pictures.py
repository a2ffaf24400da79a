"""Pictures that are drawn and not rendered, where nobody looks at them.

To lay a picture out and to render it takes ten times as long as the short run that it shows.
"""

from pathlib import Path

from memlab.storage import write_over

BLANK = {".png": b"\x89PNG\r\n\x1a\n", ".pdf": b"%PDF-", ".svg": b"<?xml"}


def leave_blank(run: Path, picture: Path) -> None:
    """Stand for `memlab.session.session._draw`, where not even what is drawn is looked at."""
    write_beginning(None, picture)


def blank_bytes(plot: object, run: Path, suffix: str) -> bytes:
    """Stand for `memlab.report.pictures._draw`, as `leave_blank` does for what a run draws."""
    return BLANK[suffix]


def write_beginning(figure: object, path: Path) -> None:
    """Stand for `memlab.figures.style.save_figure`: write how a file of this format begins."""
    write_over(path, lambda file: file.write(BLANK.get(path.suffix, BLANK[".png"])))
