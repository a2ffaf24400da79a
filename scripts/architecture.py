"""Draw which package imports which, layer by layer, into docs/architecture.md.

    python scripts/architecture.py            # writes the picture
    python scripts/architecture.py --check    # says whether it is out of date

Layers are those that `lint-imports` holds (pyproject.toml); arrows are the imports that the code
has, but those that it ignores. One that follows from others is left out: who imports `runs` reaches
what `runs` imports. Needs `python -m pip install ".[test]"` for grimp, which reads the code.
"""

import argparse
import sys
import tomllib
from pathlib import Path
from typing import Any

import grimp

REPOSITORY = Path(__file__).resolve().parents[1]
PAGE = REPOSITORY / "docs" / "architecture.md"
BEGIN, END = "<!-- picture -->\n", "<!-- /picture -->\n"
BELOW = ("drivers", "firmware_protocol")
"""What lies below memlab, each a layer of its own."""


def contract() -> dict[str, Any]:
    """Return the contract about the layers of memlab."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    contracts = project["tool"]["importlinter"]["contracts"]
    (inside,) = (one for one in contracts if one.get("containers") == ["memlab"])
    return dict(inside)


def layers() -> list[list[str]]:
    """Return the names in each layer, the highest first."""
    found = [[name.strip() for name in layer.split("|")] for layer in contract()["layers"]]
    return [*found, *([name] for name in BELOW)]


def imports() -> dict[str, set[str]]:
    """Return what each package imports of the others."""
    graph = grimp.build_graph("memlab", *BELOW, cache_dir=None)
    for ignored in contract().get("ignore_imports", []):
        importer, imported = ignored.split(" -> ")
        graph.remove_import(importer=importer, imported=imported)
    found: dict[str, set[str]] = {name: set() for layer in layers() for name in layer}
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            one, other = _package(module), _package(imported)
            if one != other and one in found and other in found:
                found[one].add(other)
    return found


def _package(module: str) -> str:
    root, _, rest = module.partition(".")
    return rest.partition(".")[0] if root == "memlab" else root


def reduced(edges: dict[str, set[str]]) -> dict[str, set[str]]:
    """Leave out each import that follows from others; there are no circles."""

    def reached(name: str) -> set[str]:
        return edges[name].union(*map(reached, edges[name]))

    return {name: direct - set().union(*map(reached, direct)) for name, direct in edges.items()}


def picture() -> str:
    """Return the picture as text of Mermaid, which GitHub and others draw."""
    lines = ["```mermaid", "flowchart TB"]
    for number, layer in enumerate(layers()):
        lines.append(f'  subgraph layer{number}[" "]')
        lines += [f'    {name}["{name.strip("_")}"]' for name in layer]
        lines.append("  end")
    for name, direct in reduced(imports()).items():
        lines += [f"  {name} --> {other}" for other in sorted(direct)]
    return "\n".join([*lines, "```", ""])


def main() -> int:
    """Write the picture, or say whether it is that of the code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing; 1 if out of date")
    check = parser.parse_args().check
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        print(f"architecture: {PAGE} has no place for the picture", file=sys.stderr)
        return 1
    new = f"{before}{BEGIN}{picture()}{END}{after}"
    if check and new != text:
        print("architecture: out of date; run `python scripts/architecture.py`", file=sys.stderr)
        return 1
    if not check:
        PAGE.write_text(new)
    return 0


if __name__ == "__main__":
    sys.exit(main())
