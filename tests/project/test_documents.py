"""Every block of README.md and docs runs as it is written, or says why a test does not run it.

By default pictures are drawn and not rendered; with `-m slow` all blocks run with whole pictures.
"""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
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


Warm = Callable[[list[Block], bool], WarmCommands]


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    """Return the commands for a scene, which have what it needs imported."""
    with ExitStack() as stack:

        @cache
        def start(modules: tuple[str, ...], rendered: bool) -> WarmCommands:
            directory = tmp_path_factory.mktemp("bin")
            return stack.enter_context(WarmCommands(directory, modules, rendered=rendered))

        def for_scene(scene: list[Block], rendered: bool) -> WarmCommands:
            needed = {block.marks["needs"] for block in scene if "needs" in block.marks}
            for name in needed:
                pytest.importorskip(name)
            return start(tuple(needed & {"torch"}), rendered)

        yield for_scene


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


needs_shell = pytest.mark.skipif(
    os.name != "posix", reason="needs a shell, and processes that fork"
)


@needs_shell
@pytest.mark.parametrize(
    "scene",
    [
        pytest.param(scene, id=name)
        for name, scene in SCENES.items()
        if not any("slow" in one.marks for one in scene)
    ],
)
def test_blocks_run_as_written(
    scene: list[Block],
    warm: Warm,
    tmp_path: Path,
    virtual_board: Callable[..., VirtualBoard],
) -> None:
    run_all(scene, warm(scene, False), tmp_path, virtual_board)


@pytest.mark.slow
@needs_shell
@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_all_blocks_run_with_their_pictures(
    scene: list[Block],
    warm: Warm,
    tmp_path: Path,
    virtual_board: Callable[..., VirtualBoard],
) -> None:
    run_all(scene, warm(scene, True), tmp_path, virtual_board)


def run_all(
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
