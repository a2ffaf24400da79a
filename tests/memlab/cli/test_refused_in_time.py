"""What cannot be is a usage error, in one line, and is said before anything is begun."""

from pathlib import Path

import numpy as np
import pytest
from support.any_run import type_in
from support.command import in_process

import memlab
from memlab.errors import SettingError

HUGE = 99999999999999999999999


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("read", "--board", "emulator:?state=/tmp"), "/tmp is a directory; write state=FILE"),
        (("read", "--board", "smu-matrix:?wiring=&chip=x"), "wiring= names no file; write wiring="),
        (("read", "--board", "smu-matrix:?wiring=/tmp&chip=x"), "wiring=/tmp: Is a directory"),
        (("read", "--board", "smu-matrix:?wiring=none.toml&chip=x"), "No such file or directory"),
        (("read", "--board", "smu-matrix:?wiring=half.toml&chip=x"), "columns"),
        (("read", "--board", "arc2:?firmware=&chip=x"), "firmware= is no file"),
        (("board", "serve", "--tcp", "0", "--shape", "200x130"), "at most 128x64"),
        (("board", "serve", "--tcp", "0", "--shape", "20x130"), "at most 128x64"),
        (("read", "--board", f"emulator:?seed={HUGE}"), "below 2**63"),
        (("sweep", "airline-window", "--metric", "nope"), "unknown metric 'nope'"),
        (("sweep", "airline-window", "--metric", "tset_rmse"), "did you mean test_rmse?"),
    ],
)
def test_a_wrong_word_ends_with_exit_code_2(
    words: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("half.toml").write_text('rows = ["1"]\n')
    code, _, talk = in_process(capsys, *words)
    (line,) = talk.splitlines()
    assert (code, said in line) == (2, True), line
    assert "Errno" not in line
    assert "Error(" not in line
    assert [path.name for path in tmp_path.iterdir()] == ["half.toml"], "nothing was begun"


def test_a_metric_that_trials_count_is_known_before_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = []
    monkeypatch.setattr(
        "memlab.figures.sweep.plot_sweep", lambda *given, **named: shown.append(given[3])
    )
    small = ("--set", "network.units=2", "--epochs", "1", "--seeds", "1", "--quiet")
    for metric in ("count_set", "test_rmse"):
        out = str(tmp_path / "sweep")
        type_in("sweep", "airline-window", *small, "--metric", metric, "--out", out)
    assert shown == ["count_set", "test_rmse"]


@pytest.mark.parametrize(
    "given", [{"limits": {"set_voltage": 3.0}}, {"chip": "ideal"}, {"point": 1}]
)
def test_an_array_is_told_what_its_arguments_are(given: dict[str, object]) -> None:
    for url in ("emulator:", "ideal:"):
        with pytest.raises(SettingError) as refused:
            memlab.open_array(url, **given)  # type: ignore[arg-type]
        (name,) = given
        assert str(refused.value).startswith(f"{name}="), refused.value
        assert "memlab." in str(refused.value)


def test_a_transfer_from_a_run_in_situ_says_where_it_was_trained(tmp_path: Path) -> None:
    small = ("--set", "network.units=2", "--quiet", "--board", "emulator:?chip=ideal&seed=1")
    source, out = tmp_path / "in-situ.h5", tmp_path / "transfer.h5"
    type_in("train", "airline-window", *small, "--epochs", "1", "--out", str(source))
    said = type_in("transfer", "airline-window", *small, "--from", str(source), "--out", str(out))
    assert f"weights of {source}, trained on emulator:?chip=ideal&seed=1" in said
    assert np.isfinite(memlab.open_run(out).metrics["test_rmse"])
