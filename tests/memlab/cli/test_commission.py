"""A board and its chip are taken into use: in one command, that may be interrupted at any step."""

import re
from pathlib import Path

import numpy as np
import pytest

from memlab import open_run
from memlab.cli import cli
from memlab.cli import commission as command
from memlab.errors import LimitError, SettingError
from memlab.passport import Passport

URL = "emulator:?state=my.h5&chip=fresh-ta-hfo2&shape=9x7"
WORDS = ["commission", "--board", URL, "--rows", "0:3", "--columns", "0:4", "--out", "dir"]


def run(*more: str) -> None:
    cli.main([*WORDS, *more, "--quiet"], standalone_mode=False)


@pytest.fixture(autouse=True)
def _directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_nothing_is_pulsed_before_a_yes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SettingError, match="add --yes"):
        run()
    told = capsys.readouterr().err
    assert all(name in told for name in ("forming", "yield", "read-noise", "s in all"))
    assert not Path("my.h5").exists()
    with pytest.raises(SettingError, match="keep it in a file"):
        cli.main(["commission", "--board", "emulator:", "--yes"], standalone_mode=False)


def test_an_interrupted_session_goes_on_and_does_nothing_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(command, "_calibrate", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(BaseException):  # noqa: B017 - click's own for Ctrl-C
            run("--yes")
    formed = Path("dir/forming.h5").read_bytes()
    Path("dir/cells").mkdir()
    for name in ("dir/calibration.h5", "dir/cells/yield.h5"):
        Path(name).write_bytes(b"")  # killed when it was being made
    run()  # it has been asked
    assert Path("dir/forming.h5").read_bytes() == formed
    for name, kind in (
        ("forming.h5", "forming"),
        ("calibration.h5", "calibration"),
        ("cells/yield.h5", "yield"),
        ("cells/read-noise.h5", "read-noise"),
    ):
        found = open_run(Path("dir", name))
        assert (found.kind, found.finished) == (kind, True)
    assert Path("dir/report.html").stat().st_size > 1000
    with Passport.read(Path("my.h5.passport")) as passport:
        assert passport.formed[:3, :4].all()
        assert passport.formed.sum() == 12
        assert set(passport.masks()) >= {"pass", "good rows", "good columns"}
        fired = passport.ledger.totals.fired.copy()
    run()
    with Passport.read(Path("my.h5.passport")) as passport:
        assert np.array_equal(passport.ledger.totals.fired, fired)


def test_limits_hold_before_anything_is_pulsed() -> None:
    Path("low.toml").write_text("[limits]\nset_voltage = 1.0\n", encoding="utf-8")
    with pytest.raises(LimitError):
        run("--yes", "--limits", "low.toml")
    assert not Path("my.h5").exists()


def test_what_a_later_step_may_not_do_is_refused_before_the_first_one() -> None:
    chip = 'extends = ["fresh-ta-hfo2"]\n[limits]\nset_gate_voltage = 1.65\n'
    Path("low-gate.toml").write_text(chip, encoding="utf-8")
    words = [
        "commission",
        "--board",
        "emulator:?state=my.h5&chip=low-gate.toml",
        "--yes",
        "--quiet",
    ]
    with pytest.raises(LimitError, match=r"yield.*1\.65 V"):
        cli.main([*words, "--rows", "0:2", "--columns", "0:3", "--out", "d"], standalone_mode=False)
    assert not Path("d").exists()
    with Passport.read(Path("my.h5.passport")) as passport:
        assert not passport.ledger.totals.fired.any()


def test_it_goes_on_with_what_it_was_begun_with_and_nothing_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run("--yes")
    said = capsys.readouterr().out
    for found in ("selftest: ", "forming: finished", "yield: finished", "read-noise: finished"):
        assert found in said
    page = Path("dir/report.html").read_text(encoding="utf-8")
    assert "<caption>Self-test</caption>" in page
    Path("low.toml").write_text("[limits]\nset_voltage = 2.6\n", encoding="utf-8")
    before = Path("my.h5").read_bytes()
    other = [word.replace("0:3", "0:4") for word in WORDS]
    with pytest.raises(SettingError, match=r"begun with region rows=0:3 columns=0:4, not rows=0:4"):
        cli.main([*other, "--quiet"], standalone_mode=False)
    with pytest.raises(SettingError, match=r"begun with limits as they are by default, not set_vo"):
        run("--limits", "low.toml")
    elsewhere = [word.replace("my.h5", "another.h5") for word in WORDS]
    with pytest.raises(SettingError, match=r"begun with board emulator:\?state=my\.h5"):
        cli.main([*elsewhere, "--quiet"], standalone_mode=False)
    assert Path("my.h5").read_bytes() == before
    assert not Path("another.h5").exists()


def test_a_page_about_all_files_leaves_the_chip_out_and_says_so(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    words = ["characterize", "staircase", "--board", URL, "--rows", "0:3", "--columns", "0:4"]
    forming = [word.replace("staircase", "forming") for word in words]
    cli.main([*forming, "--quiet", "--out", "forming.h5"], standalone_mode=False)
    cli.main(["report", "forming.h5", "my.h5", "--out", "page.html"], standalone_mode=False)
    assert "1 runs" in capsys.readouterr().out
    assert "my.h5 is an emulated chip, and no run: it is left out" in caplog.text
    with pytest.raises(SettingError, match="no run: name run files"):
        cli.main(["report", "my.h5", "--out", "none.html"], standalone_mode=False)
    assert not Path("none.html").exists()


def test_a_training_says_that_its_pulses_have_formed_cells(
    caplog: pytest.LogCaptureFixture,
) -> None:
    words = ["train", "airline-window", "--epochs", "1", "--set", "network.units=2", "--quiet"]
    cli.main([*words, "--board", "emulator:?chip=ta-hfo2", "--out", "a.h5"], standalone_mode=False)
    assert "formed" not in caplog.text
    board = "emulator:?chip=fresh-ta-hfo2&forming.voltage=1.5"
    cli.main([*words, "--board", board, "--out", "b.h5"], standalone_mode=False)
    (formed,) = re.findall(r"8192 cells were not formed, and pulses.* formed (\d+) of", caplog.text)
    assert 0 < int(formed) <= 12 * 8 + 6 * 1, "no more than there are in use"
