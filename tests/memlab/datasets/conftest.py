"""Where the real data lie, if they are here: $MEMLAB_DATA, else `shared/data` beside the repo."""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("MEMLAB_DATA", Path(__file__).parents[4] / "shared" / "data"))


@pytest.fixture
def shared_file(request: pytest.FixtureRequest) -> Path:
    """The file named by the test's `needs` marker; skips where it is not here."""
    marker = request.node.get_closest_marker("needs")
    path = SHARED / marker.args[0]
    if not path.exists():
        pytest.skip(f"no {path.name} here; set MEMLAB_DATA to its directory")
    return path
