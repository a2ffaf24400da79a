"""The version is the same wherever it is written."""

import re

from support.virtual_board import REPOSITORY

import memlab


def test_changelog_and_citation_have_the_version_of_the_code() -> None:
    changes = (REPOSITORY / "CHANGELOG.md").read_text()
    released = re.findall(r"^## \[(\d[^\]]*)\] - (\d{4}-\d\d-\d\d)$", changes, re.MULTILINE)
    citation = (REPOSITORY / "CITATION.cff").read_text()
    cited = re.findall(r"^(?:version|date-released): (\S+)$", citation, re.MULTILINE)
    assert released[0] == (memlab.__version__, cited[1])
    assert cited[0] == memlab.__version__
