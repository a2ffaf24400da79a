"""Settings and limits are found, and given, in the same way at every command."""

import json
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
import rich_click as click
from support.command import in_process

from memlab.cli import cli
from memlab.cli.lazy import LazyGroup


def commands(
    group: click.Group, words: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Command]]:
    """Return every command of memlab, loaded, by the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        lazy = isinstance(group, LazyGroup)
        _, one, _ = (
            group.resolve_command(context, [name])
            if lazy
            else (
                name,
                group.get_command(context, name),
                [],
            )
        )
        assert one is not None
        if isinstance(one, click.Group):
            yield from commands(one, (*words, name))
        else:
            yield " ".join((*words, name)), one


ALL = dict(commands(cli))
OPTIONS = {
    words: {option for param in one.params for option in param.opts} for words, one in ALL.items()
}
CODES_ONLY = {"board info", "board ground", "board list", "board serve"}
"""Commands that speak to a board in codes and to no chip."""


def test_all_commands_are_looked_through() -> None:
    assert {"train", "runs list", "data fetch", "chip show", "board selftest"} <= set(ALL)


@pytest.mark.parametrize("words", [w for w in OPTIONS if "--set" in OPTIONS[w]])
def test_whoever_takes_settings_lists_them_and_takes_limits(words: str) -> None:
    if words == "chip budget":
        return  # its --set is a number of SETs
    assert {"--settings", "--limits", "--json"} <= OPTIONS[words]


@pytest.mark.parametrize("words", [w for w in OPTIONS if "--board" in OPTIONS[w]])
def test_whoever_touches_a_chip_takes_limits(words: str) -> None:
    assert "--limits" in OPTIONS[words] or words in CODES_ONLY or words.startswith("runs list")


@pytest.mark.parametrize(
    ("arguments", "kind", "name", "unit"),
    [
        (("train", "airline"), "airline", "train.lr", "1"),
        (("transfer", "airline", "--preset", "paper"), "airline", "transfer.tolerance", "S"),
        (("sweep", "wafer"), "wafer", "network.units", "1"),
        (("estimate", "iv"), "iv", "maximum_current", "A"),
        (("characterize", "forming"), "forming", "width_maximum", "s"),
        (("calibrate",), "calibration", "target", "V"),
        (("program",), "program", "tolerance", "S"),
    ],
)
def test_every_setting_is_listed_with_its_unit(
    arguments: tuple[str, ...],
    kind: str,
    name: str,
    unit: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = in_process(capsys, *arguments, "--settings", "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert document["kind"] == kind
    (found,) = [one for one in document["settings"] if one["name"] == name]
    assert found["unit"] == unit
    assert found["default"] == found["value"]
    assert found["meaning"]
    assert found["allowed"]
    code, out, _ = in_process(capsys, *arguments, "--settings")
    assert code == 0
    assert name in out
    assert list(tmp_path.iterdir()) == [], "nothing is run"


def test_what_is_given_is_shown_beside_the_default(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "own.toml").write_text("[limits]\nset_voltage = 3.6\n")
    given = ("--set", "steps=5", "--limits", str(tmp_path / "own.toml"))
    _, out, _ = in_process(capsys, "characterize", "staircase", "--settings", "--json", *given)
    rows = {one["name"]: one for one in json.loads(out)["settings"]}
    assert (rows["steps"]["default"], rows["steps"]["value"]) == (15, 5)
    assert (rows["limits.set_voltage"]["default"], rows["limits.set_voltage"]["value"]) == (
        None,
        3.6,
    )
    _, out, _ = in_process(capsys, "characterize", "staircase", "--settings", *given)
    assert "5 (default 15)" in out


@pytest.mark.parametrize("command", ["read", "vmm"])
def test_limits_tags_and_note_reach_a_run_file(
    command: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.toml").write_text("[limits]\nset_voltage = 3.6\nread_voltage = 0.3\n")
    np.save("v.npy", np.full(128, 0.25))
    what = ["v.npy"] if command == "vmm" else []
    arguments = [command, *what, "--limits", "own.toml", "--tag", "die-7", "--note", "after lunch"]
    for out in ("a.h5", "b.npy"):
        code, _, err = in_process(capsys, *arguments, "--out", out)
        assert code == 0, err
    with h5py.File("a.h5") as file:
        entry = file["entry"]
        assert json.loads(entry.attrs["tags"]) == ["die-7"]
        assert entry.attrs["note"] == "after lunch"
        assert entry["instrument"].attrs["limits.set_voltage"] == 3.6
    beside = json.loads(Path("b.npy.json").read_text())
    assert (beside["tags"], beside["note"]) == (["die-7"], "after lunch")


def test_limits_beyond_the_board_are_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "own.toml").write_text("[limits]\nset_voltage = 9\n")
    code, out, err = in_process(capsys, "read", "--limits", str(tmp_path / "own.toml"))
    assert (code, out, err.count("\n")) == (4, "", 1)
    assert "limits.set_voltage = 9 V is beyond what the board can make" in err
