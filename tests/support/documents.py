"""The fenced blocks of README.md and docs, and how each of them is tested.

A comment before a block, `<!-- test ... -->`, holds what a test does that a reader does not.
Without one a block is run as it stands, in an empty directory. Its lines:

    not run: REASON          and nothing else
    in .ci/run               each line of the block is a line of that script
    slow                     run with `-m slow` only
    needs: MODULE            skipped where that cannot be imported
    scene: NAME              blocks of that name share a directory, and run one after the other
    board                    $BOARD is the URL of a virtual board, one for the scene
    before: COMMAND          makes what the block takes for granted
    replace: TEXT => TEXT    a smaller task, or what stands for a name that a reader chooses
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")])
_BLOCK = re.compile(
    r"(?:^<!-- test\s*(?P<marks>(?:(?!-->).)*?)\s*-->\n+)?"
    r"^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_ONCE = ("not run", "needs", "scene")
_SWITCHES = ("in .ci/run", "slow", "board")
_MANY = ("before", "replace")


@dataclass
class Block:
    """A fenced block, and what the comment before it says."""

    document: Path
    line: int
    language: str
    text: str
    marks: dict[str, str] = field(default_factory=dict)
    before: list[str] = field(default_factory=list)
    replace: list[tuple[str, str]] = field(default_factory=list)

    @property
    def place(self) -> str:
        return f"{self.document.name}:{self.line}"

    @property
    def scene(self) -> str:
        """What runs together."""
        return self.marks.get("scene", self.place)

    @property
    def script(self) -> str:
        """What the test runs: the text with the replacements that its comment names."""
        text = self.text
        for old, new in self.replace:
            if old not in text:
                raise ValueError(f"{self.place}: nothing to replace, there is no {old!r}")
            text = text.replace(old, new)
        return text


def blocks(document: Path) -> list[Block]:
    """Return the blocks of a document in order."""
    text = document.read_text()
    found = []
    for match in _BLOCK.finditer(text):
        line = text.count("\n", 0, match.end()) - match["text"].count("\n")
        block = Block(document, line, match["language"], match["text"])
        for mark in (match["marks"] or "").splitlines():
            name, _, value = (part.strip() for part in mark.partition(":"))
            if name == "before":
                block.before.append(value)
            elif name == "replace":
                old, arrow, new = value.partition(" => ")
                assert arrow, f"{block.place}: {mark}"
                block.replace.append((old, new))
            else:
                assert name in _SWITCHES or (name in _ONCE and value), f"{block.place}: {mark}"
                block.marks[name] = value
        found.append(block)
    assert len(found) * 2 == len(re.findall("^```", text, re.MULTILINE)), document
    return found
