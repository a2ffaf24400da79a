"""What commands say of faults that were asked for, and what their files keep."""

from pathlib import Path

import pytest
from support.command import in_process
from support.virtual_board import VirtualBoard

import memlab


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        ("drop_after=2", 3, "the line died while reading"),
        ("brown_out_after=9", 1, "1 may or may not have been"),
    ],
)
def test_a_fault_ends_a_run_as_that_of_hardware_does_and_its_file_says_which_it_was(
    fault: str, code: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url, file = f"emulator:?chip=ideal&fault.{fault}", tmp_path / "run.h5"
    where = ["--rows", "0:2", "--columns", "0:2", "--out", str(file)]
    exit_code, _, err = in_process(capsys, "characterize", "set", "--board", url, *where)
    assert exit_code == code
    assert said in err
    assert err.count("\n") == 1
    run = memlab.open_run(file)
    assert run.status == "failed"
    assert run.boards == (url,)
    assert run.emulated
    assert run.instruments[0]["board.name"] == f"memlab emulated board with faults {fault}"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("stuck_colum=3", "did you mean stuck_column"),
        ("rate=1e-4", "write fault.rate=1e-4 into the URL"),
        ("delay", "delay= must be a number"),
    ],
)
def test_a_wrong_fault_of_a_served_board_is_a_usage_error(
    fault: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = in_process(capsys, "board", "serve", "--tcp", "0", "--fault", fault)
    assert code == 2
    assert said in err


def test_a_served_board_has_the_faults_that_its_command_names(
    virtual_board: type[VirtualBoard], capsys: pytest.CaptureFixture[str]
) -> None:
    faults = ["--fault", "stuck_column=3", "--fault", "stuck_code=65535"]
    served = virtual_board("--tcp", "0", "--chip", "ideal", *faults)
    code, out, _ = in_process(capsys, "board", "info", "--board", served.url, "--json")
    assert code == 0
    assert "with fault" in out
    with memlab.open_array(served.url) as array, pytest.warns(UserWarning, match="saturated"):
        saturated = array[0:2, 2:5].measure_conductance().saturated
    assert saturated.tolist() == [[False, True, False]] * 2
