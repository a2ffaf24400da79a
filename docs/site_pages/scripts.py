"""The scripts of the repository as a gallery: text, what they print, pictures of their runs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).parents[2] / "scripts"
GALLERY = (
    "first_steps",
    "own_network",
    "own_procedure",
    "own_board",
    "torch_own_model",
    "residual_slices",
)
"""Those that a reader would start from; the others belong to the repository."""

RUN = r"(first_steps|own_network|residual_slices)\.py"
"""Which of them are run when the site is built; the tests run the others."""

TITLES = {
    "first_steps": "First steps on a board",
    "own_network": "A network of one's own",
    "own_procedure": "A procedure of one's own",
    "own_board": "A board of one's own",
    "torch_own_model": "A PyTorch model of one's own",
    "residual_slices": "A matrix on several slices",
}


def write(directory: Path) -> None:
    """Write the scripts with a title, as the gallery wants them."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    title = "Scripts"
    (directory / "GALLERY_HEADER.rst").write_text(f"{title}\n{'=' * len(title)}\n")
    for name in GALLERY:
        text = (SCRIPTS / f"{name}.py").read_text(encoding="utf-8")
        title = TITLES[name]
        head = f'"""\n{title}\n{"=" * len(title)}\n\n'
        said, quotes, code = text.removeprefix('"""').partition('"""')
        # Indented lines are shell or settings; the script ends with the page, not with Python.
        said = re.sub(r"\n\n(?=    )", "\n\n::\n\n", said)
        code = code.replace("sys.exit(main())", "main()")
        (directory / f"{name}.py").write_text(head + said + quotes + code)


class RunPictures:
    """Takes the pictures that the runs of a script leave beside their files."""

    def __repr__(self) -> str:
        return "RunPictures"

    def __call__(self, block: Any, block_vars: Any, gallery_conf: Any) -> str:
        """Return the directive that shows them; called by the gallery after each script."""
        from sphinx_gallery.scrapers import figure_rst

        found = []
        for picture in sorted(Path.cwd().rglob("memlab-runs/*.png")):
            path = next(block_vars["image_path_iterator"])
            shutil.move(picture, path)
            found.append(path)
        return figure_rst(found, gallery_conf["src_dir"])
