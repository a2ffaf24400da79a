"""Every block of README.md and docs runs as it is written, or says why a test does not run it."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.documents import DOCUMENTS, REPOSITORY, Block, blocks
from support.virtual_board import VirtualBoard
from support.warm_commands import WarmCommands

ALL = [block for document in DOCUMENTS for block in blocks(document)]
SCENES: dict[str, list[Block]] = {}
for _block in ALL:
    if not {"not run", "in .ci/run"} & _block.marks.keys():
        SCENES.setdefault(_block.scene, []).append(_block)


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmCommands]:
    with WarmCommands(tmp_path_factory.mktemp("bin")) as commands:
        yield commands


def test_every_block_says_what_it_is() -> None:
    assert len(ALL) > 20
    unknown = [
        block.place
        for block in ALL
        if block.language not in ("bash", "mermaid", "python", "text", "toml")
    ]
    assert not unknown


def test_no_line_hides_the_failure_of_its_first_half() -> None:
    lines = [(block.place, line) for block in ALL for line in block.text.splitlines()]
    lines += [(".ci/run", line) for line in (REPOSITORY / ".ci" / "run").read_text().splitlines()]
    hidden = [where for where, line in lines if " && " in line.partition("# ")[0]]
    assert not hidden


def test_blocks_that_ci_runs_are_lines_of_it() -> None:
    lines = (REPOSITORY / ".ci" / "run").read_text().splitlines()
    left_to_ci = [block for block in ALL if "in .ci/run" in block.marks]
    assert left_to_ci
    for block in left_to_ci:
        assert set(block.text.splitlines()) <= set(lines), block.place


@pytest.mark.skipif(os.name != "posix", reason="needs a shell, and processes that fork")
@pytest.mark.parametrize(
    "scene",
    [
        pytest.param(
            scene, id=name, marks=[pytest.mark.slow] * any("slow" in one.marks for one in scene)
        )
        for name, scene in SCENES.items()
    ],
)
def test_blocks_run_as_written(
    scene: list[Block],
    warm: WarmCommands,
    tmp_path: Path,
    virtual_board: Callable[..., VirtualBoard],
) -> None:
    environment = {
        **os.environ,
        "PATH": f"{warm.bin}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(REPOSITORY),
        "REPOSITORY": str(REPOSITORY),
        "MPLBACKEND": "agg",
        "MEMLAB_STATE": str(tmp_path / "state"),
    }
    directory = tmp_path / "work"
    directory.mkdir()
    for block in scene:
        if "needs" in block.marks:
            pytest.importorskip(block.marks["needs"])
        if "board" in block.marks and "BOARD" not in environment:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("MEMLAB_STATE", environment["MEMLAB_STATE"])
                board = virtual_board("--pty", "--chip", "ta-hfo2", "--seed", "7")
            environment |= {"BOARD": board.url, "SERIAL": board.document["serial"]}
        _run("\n".join(block.before), block, directory, environment)
        script = block.script
        if block.language == "python":
            (directory / "block.py").write_text(script)
            script = "python block.py"
        if block.language in ("bash", "python"):
            _run(script, block, directory, environment)


def _run(script: str, block: Block, directory: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, f"{block.place}\n{script}\n{done.stdout}\n{done.stderr}"
