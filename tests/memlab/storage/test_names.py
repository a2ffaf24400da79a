"""Names that outputs get when nobody gives one."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from memlab.characterize import plan_procedures
from memlab.experiments import make_plan
from memlab.operations import multiply, read_map
from memlab.storage import default_path, name_stamp

MOMENT = datetime(2026, 10, 25, 0, 30, 15, tzinfo=UTC)


def test_a_name_says_its_moment_in_utc_whatever_the_zone() -> None:
    summer = MOMENT.astimezone(timezone(timedelta(hours=2)))
    winter = (MOMENT + timedelta(hours=1)).astimezone(timezone(timedelta(hours=1)))
    assert summer.strftime("%H:%M") == winter.strftime("%H:%M")  # the hour that comes twice
    assert name_stamp(summer, "abc123") == "20261025T003015Z-abc123"
    assert name_stamp(winter, "abc123") == "20261025T013015Z-abc123"


def test_names_of_one_moment_differ() -> None:
    assert len({name_stamp(MOMENT) for _ in range(200)}) == 200
    stamp = name_stamp(MOMENT, "abc123")
    path = default_path("read", ".npy", stamp)
    assert path == Path("memlab-runs/read-20261025T003015Z-abc123.npy")


def test_planning_twice_gives_two_names() -> None:
    assert make_plan("airline").out != make_plan("airline").out
    one, other = (plan_procedures(["forming", "iv"]) for _ in range(2))
    assert len({plan.out for plan in (*one, *other)}) == 4
    # What belongs together is named together.
    assert one[0].out.stem.split("-", 2)[2] == one[1].out.stem.split("-", 2)[2]


def test_operations_of_one_second_leave_a_file_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("v.npy", np.full((2, 128), 0.1))
    outs = [read_map(f"emulator:?seed={seed}", figure=seed == 1)["out"] for seed in (1, 2, 3)]
    outs += [multiply(Path("v.npy"), "ideal:")["out"] for _ in range(2)]
    assert len(set(outs)) == 5
    assert all(Path(out).is_file() for out in outs)
    names = [path.name for path in Path("memlab-runs").iterdir()]
    assert len([name for name in names if name.endswith(".npy")]) == 5
    assert len(names) == 11  # with what each says of its load, and one picture
