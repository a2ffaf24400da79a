"""`memlab chip settle`: a pulse of unknown fate is told by reading its cells, and never fired."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from support.virtual_board import VirtualBoard

from drivers.board import Outcome, PulseBatch
from drivers.errors import TransportError
from drivers.serial_board import SerialBoard
from memlab import open_array
from memlab.chip.limits import Limits
from memlab.cli import cli
from memlab.errors import SettingError
from memlab.passport import Passport

ROWS, COLUMNS = 4, 8


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualBoard]:
    log = tmp_path_factory.mktemp("log") / "pulses.jsonl"
    with VirtualBoard("--pty", "--chip", "ta-hfo2", "--seed", "5", log=log) as running:
        yield running


def events(board: VirtualBoard) -> int:
    return sum(event["event"] == "pulse" for event in board.events())


@pytest.fixture
def in_doubt(
    board: VirtualBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str]:
    """Leave a batch of unknown fate, of which the first pulses were fired; return the URL."""
    path = tmp_path / "chip.passport"
    url = f"{board.url}?passport={path}"
    pulse = SerialBoard.pulse

    def leave(
        fired: int,
        *,
        read: bool = True,
        reset: bool = False,
        then: float = 0.0,
        groups: int = 1,
    ) -> str:
        # 0.5 V x 257 uS at 1.4 V on the gate.
        limits = Limits(set_row_current=1.001 * COLUMNS / groups * 0.5 * 257.2e-6)

        def lost(self: SerialBoard, pulses: PulseBatch, ticket: str = "") -> None:
            pulse(self, pulses.only(np.arange(len(pulses)) < fired))
            raise TransportError("lost, and not back")

        with open_array(url, limits=limits) as array:
            view = array[:ROWS, :COLUMNS]
            every = np.ones(view.shape, bool)
            view.program(1.4 if reset else 0.0, reset=~every if reset else every, set=every & reset)
            if read:
                view.read_conductance()
            with monkeypatch.context() as patch:
                patch.setattr(SerialBoard, "pulse", lost)
                unknown = np.full(groups * ROWS, Outcome.UNKNOWN, np.uint8)
                patch.setattr(SerialBoard, "fate", lambda self, ticket: unknown)
                with pytest.raises(TransportError):
                    view.program(1.4, reset=every & reset, set=every & (not reset))
        with monkeypatch.context() as patch:
            patch.setattr(SerialBoard, "fate", lambda self, ticket: unknown)
            with open_array(url) as array:
                if then:
                    array[:ROWS, :COLUMNS].program(then)
        return url

    return leave


def settle(url: str, path: Path, *options: str) -> dict:
    command = ["chip", "settle", str(path), "--board", url.partition("?")[0], "--json", *options]
    result = CliRunner().invoke(cli, command)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize("reset", [False, True], ids=["SETs", "RESETs"])
@pytest.mark.parametrize("fired", [0, 2, ROWS])
def test_what_was_fired_is_told_from_what_was_not_and_nothing_is_pulsed(
    in_doubt: Callable[..., str], board: VirtualBoard, tmp_path: Path, fired: int, reset: bool
) -> None:
    url = in_doubt(fired, reset=reset)
    before = events(board)
    document = settle(url, tmp_path / "chip.passport")
    assert events(board) == before
    answers = [one["answer"] for one in document["pulses"]]
    assert answers == ["done"] * fired + ["not done"] * (ROWS - fired)
    assert document["unknown"] == 0
    with Passport.read(tmp_path / "chip.passport") as passport:
        totals = passport.ledger.totals
        assert not totals.doubtful.any()
        expected = np.arange(ROWS) < fired
        assert (totals.fired[int(reset), :ROWS, :COLUMNS] == expected[:, np.newaxis]).all()
    assert settle(url, tmp_path / "chip.passport")["pulses"] == []


def test_rows_pulsed_in_groups_are_told_group_by_group(
    in_doubt: Callable[..., str], tmp_path: Path
) -> None:
    url = in_doubt(ROWS + 1, groups=2)
    document = settle(url, tmp_path / "chip.passport")
    told = [(one["row"], one["columns"], one["answer"]) for one in document["pulses"]]
    first, second = list(range(COLUMNS // 2)), list(range(COLUMNS // 2, COLUMNS))
    assert told == [
        *((row, first, "done") for row in range(ROWS)),
        (0, second, "done"),
        *((row, second, "not done") for row in range(1, ROWS)),
    ]


@pytest.mark.parametrize(
    ("circumstance", "rest"),
    [({"read": False}, "--accept"), ({"then": 1.6}, "--redo"), ({"read": False}, None)],
    ids=["never read", "pulsed since", "undecided"],
)
def test_what_cannot_be_told_counts_until_the_user_decides(
    in_doubt: Callable[..., str], tmp_path: Path, circumstance: dict, rest: str | None
) -> None:
    path = tmp_path / "chip.passport"
    url = in_doubt(2, **circumstance)
    document = settle(url, path)
    assert {one["answer"] for one in document["pulses"]} == {"cannot tell"}
    assert document["unknown"] == ROWS * COLUMNS
    if rest is None:
        return
    decided = settle(url, path, rest)
    entered = {"--accept": "done", "--redo": "not fired"}[rest]
    assert [one["entered"] for one in decided["pulses"]] == [entered] * ROWS
    with Passport.read(path) as passport:
        assert passport.ledger.totals.fired[0, 0, 0] == 1  # this batch, or the later one
        assert not passport.ledger.totals.doubtful.any()
        ((by, when),) = passport._store.rows("SELECT decided_by, time FROM decisions")
    assert by.startswith(rest.removeprefix("--"))
    assert when > 1e9


def test_a_wrong_request_is_refused_in_one_line(tmp_path: Path) -> None:
    for arguments in (
        [str(tmp_path / "none"), "--board", "emulator:"],
        [str(tmp_path / "chip"), "--board", "emulator:", "--accept", "--redo"],
        [str(tmp_path / "chip"), "--board", "emulator:"],
    ):
        with open_array(f"emulator:?passport={tmp_path / 'chip'}"):
            pass
        result = CliRunner().invoke(cli, ["chip", "settle", *arguments])
        assert isinstance(result.exception, SettingError), arguments
        assert "\n" not in str(result.exception)
