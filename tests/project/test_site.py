"""The site: it builds without a warning, what leads nowhere ends the build, and links lead out."""

import importlib.util
import json
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"
EXTRA = ("sphinx", "myst_parser", "furo", "numpydoc", "sphinx_gallery")

needs_sphinx = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in EXTRA),
    reason="what builds the site is not here: pip install '.[docs]'",
)


def built(docs: Path, site: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sphinx", "-q", *options, str(docs), str(site)]
    return subprocess.run(command, capture_output=True, text=True, cwd=docs.parent)


def copy_of_docs(folder: Path) -> Path:
    """Copy what the site is made of: text, and the scripts that it shows."""
    made = ("pictures", "reference", "scripts", "gallery_sources", "__pycache__")
    docs = folder / "docs"
    shutil.copytree(DOCS, docs, ignore=shutil.ignore_patterns(*made))
    for name in ("scripts", "firmware_protocol"):
        shutil.copytree(REPOSITORY / name, folder / name)
    for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "pyproject.toml"):
        shutil.copy(REPOSITORY / name, folder)
    return docs


@needs_sphinx
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_leads_nowhere_ends_the_build_and_nothing_else_does(tmp_path: Path) -> None:
    docs = copy_of_docs(tmp_path)
    page = docs / "start.md"
    dead = ("no-such-page.md", "train.md#no-such-heading", "pictures/no-such.png")
    links = f"\n[a]({dead[0]}) [b]({dead[1]})\n\n![c]({dead[2]})\n"
    page.write_text(page.read_text(encoding="utf-8") + links, encoding="utf-8")
    done = built(docs, tmp_path / "site", "-W", "--keep-going", "-b", "dummy")
    assert done.returncode == 1, done.stderr
    warnings = [line for line in done.stderr.splitlines() if "WARNING" in line]
    assert all("start.md" in line for line in warnings), done.stderr
    for name in ("no-such-page", "no-such-heading", "no-such.png"):
        assert sum(name in line for line in warnings) == 1, done.stderr
    assert len(warnings) == len(dead)


@needs_sphinx
@pytest.mark.network
@pytest.mark.timeout(900)
def test_links_to_other_computers_lead_somewhere(tmp_path: Path) -> None:
    try:
        urllib.request.urlopen("https://github.com", timeout=20).close()
    except (urllib.error.URLError, OSError) as error:
        pytest.skip(f"no other computer can be asked: {error}")
    done = built(copy_of_docs(tmp_path), tmp_path / "site", "-b", "linkcheck")
    lines = (tmp_path / "site" / "output.json").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    assert found, done.stderr
    broken = [f"{one['uri']}: {one['info']}" for one in found if one["status"] == "broken"]
    assert not broken, "\n".join(broken)


def test_pictures_of_pages_are_in_the_repository() -> None:
    """What the site draws is no picture for who reads a page elsewhere."""
    for page in [*DOCS.glob("*.md"), REPOSITORY / "README.md"]:
        for part in page.read_text(encoding="utf-8").split("![")[1:]:
            target = part.partition("](")[2].partition(")")[0]
            assert (page.parent / target).is_file(), f"{page.name}: {target}"
