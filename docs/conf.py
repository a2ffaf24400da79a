"""The manual as a site: `sphinx-build -W docs SITE` (extra `docs`).

Text stands in `docs/*.md`. What the code says itself - commands, settings, presets, effects, the
public API - is written from it to `docs/reference` each time; pictures are drawn by what they show.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from pygments.lexers.special import TextLexer  # noqa: E402
from site_pages import pictures, reference, scripts  # noqa: E402 - it lies beside this file
from sphinx.highlighting import lexers  # noqa: E402

import memlab  # noqa: E402

project = "memlab"
author = "The memlab developers"
copyright = author  # noqa: A001 - the name that Sphinx reads
release = memlab.__version__
extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["site_pages", "gallery_sources", "README.md"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
# The diagram of the architecture stays text: what draws it would come from another computer.
lexers["mermaid"] = TextLexer()
smartquotes = False  # two hyphens are an option, and not a dash
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_mock_imports = ["torch"] if not reference.has_torch() else []

html_theme = "furo"
html_title = f"memlab {release}"
html_static_path = ["static"]
html_css_files = ["memlab.css"]
# Everything comes from the site itself; no page asks another computer for anything.
html_show_sphinx = False

sphinx_gallery_conf = {
    "examples_dirs": "gallery_sources",
    "gallery_dirs": "scripts",
    "filename_pattern": scripts.RUN,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "remove_config_comments": True,
    "abort_on_example_error": True,
    "min_reported_time": 1e9,
    "image_scrapers": (scripts.RunPictures(),),
    "matplotlib_animations": False,
    "write_computation_times": False,  # that page would ask other computers for its table
}

scripts.write(HERE / "gallery_sources")
reference.write(HERE / "reference")
pictures.draw(HERE / "pictures")
