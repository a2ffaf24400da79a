"""What is done to the runs of a `Scene`, each case a way in which pulses were fired twice once.

A case kills as often as it is told, at random moments, and leaves everything finished that can be.
"""

import json
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

from support import kill_users
from support.forked_command import Command, Forked
from support.kill_scene import DEADLINE, Run, Scene, full_disk, staircase, without_notes
from support.virtual_board import REPOSITORY

from memlab.errors import DataError
from memlab.runs import read_attributes

PATH = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "tests")])
ATTEMPTS = 10
"""Programs in a row that may end by themselves before the case is given up."""


def rounds(
    scene: Scene,
    kills: int,
    disturb: Callable[[Command], None],
    begin: Callable[[], Command] | None = None,
) -> None:
    """Start, disturb, kill, judge; go on with the same run until there is nothing left of it."""
    begin = begin or scene.begin
    host, in_vain = begin(), 0
    while scene.kills < kills:
        before = scene.kills
        scene.moment(host)
        disturb(host)
        code = -9 if scene.kill(host) or host.exit_code == -9 else scene.end(host)
        scene.grounded()
        scene.judge()
        in_vain = 0 if scene.kills > before else in_vain + 1
        assert in_vain <= ATTEMPTS, f"every program ends by itself, the last one with {code}"
        if scene.kills < kills:
            refused = code not in (0, -9) and in_vain > 1
            host = begin() if refused or is_over(scene) else scene.go_on()
    scene.finish()
    scene.judge()


def is_over(scene: Scene) -> bool:
    """Return whether the last run is finished, or has not begun so far that there is a file."""
    path = scene.runs[-1].path
    try:
        return read_attributes(path)["status"] == "finished"
    except DataError:  # there is none, or it was killed before its file was complete
        return True


def killed(scene: Scene, kills: int) -> None:
    """kill -9 with other programs looking on."""
    scene.serve()
    rounds(scene, kills, lambda host: scene.look_on())


def suspended(scene: Scene, kills: int) -> None:
    """The host is stopped until the watchdog grounds, another program opens the board; go on."""
    scene.serve()

    def disturb(host: Command) -> None:
        with scene.stopped(host):
            scene.ask("board", "info", "--board", scene.url(), "--json")
            if scene.rng.random() < 0.5:
                scene.kill(host)
                return
            scene.look_on()
        fired = len(scene.fired())
        scene.until(host, lambda: len(scene.fired()) > fired, "the suspended host goes on")

    rounds(scene, kills, disturb)


def same_serial(scene: Scene, kills: int) -> None:
    """Two boards say that they are the same one."""
    scene.serve(0)
    scene.serve(1)

    def disturb(host: Command) -> None:
        scene.ask("board", "info", "--board", scene.url(1), "--json")
        if scene.rng.random() < 0.5:
            run = Run(
                scene.directory / f"other{len(scene.others)}.h5", len(scene.fired(1)), board=1
            )
            if scene.others:
                scene.others[-1].last = run.first
            scene.others.append(run)
            scene.ask(*staircase(scene.url(1), run.path))

    rounds(scene, kills, disturb)


def disk_full(scene: Scene, kills: int) -> None:
    """Files cannot grow beyond a random size: of the run, of the state, of both."""
    scene.serve()

    def begin() -> Command:
        limit = int(scene.rng.choice([5, 20, 40, 60, 75, 90, 110, 150, 300, 400])) * 1000
        limit += int(scene.rng.integers(1000))
        limited = scene.begin(full_disk(limit))
        scene.moment(limited)
        scene.look_on()
        if scene.rng.random() < 0.5:
            scene.kill(limited)
        else:
            scene.end(limited)
        scene.grounded()
        scene.judge()
        return scene.begin() if is_over(scene) else scene.go_on()

    rounds(scene, kills, lambda host: None, begin)


def renamed(scene: Scene, kills: int) -> None:
    """The run file gets another name and another folder; copies of it are resumed too."""
    scene.serve()
    copies: list[tuple[Run, Path]] = []

    def elsewhere(text: str) -> Path:
        folder = scene.directory / f"{text}{scene.rng.integers(1 << 30)}"
        folder.mkdir()
        return folder / "monday.h5"

    def disturb(host: Command) -> None:
        scene.kill(host)
        scene.grounded()
        run = scene.runs[-1]
        if scene.rng.random() < 0.7:
            copies.append((run, shutil.copy(run.path, elsewhere("copy"))))
        run.path = run.path.rename(elsewhere("renamed"))
        if copies and scene.rng.random() < 0.3:
            of, path = copies[-1]
            fired = len(scene.fired())
            scene.ask("runs", "resume", str(path), "--quiet")
            if len(scene.fired()) > fired and of is run:
                # It has gone on: it is the run from now on, and the other file is the copy.
                copies[-1] = run, run.path
                run.stale.append(run.path)
                run.path = path

    rounds(scene, kills, disturb)
    run = scene.runs[-1]
    copies.append((run, shutil.copy(run.path, elsewhere("finished"))))
    run.path = run.path.rename(elsewhere("renamed"))
    for path in (run.path, *(path for _, path in copies)):
        fired = len(scene.fired())
        scene.ask("runs", "resume", str(path), "--quiet")
        if is_over(scene) and len(scene.fired()) > fired:
            scene.twice.append(
                f"{path.parent.name}: {len(scene.fired()) - fired} of a finished run"
            )
    scene.judge()


def alive(scene: Scene, kills: int) -> None:
    """A run is resumed that is alive, or suspended."""
    scene.serve()

    def resume(host: Command) -> None:
        code = scene.ask("runs", "resume", str(scene.runs[-1].path), "--quiet")
        # A host that has measured everything still draws.
        if code == 0 and host.running and "nothing was left to run" not in scene.said:
            scene.misreported.append("a run that is alive was resumed")

    def disturb(host: Command) -> None:
        chance = scene.rng.random()
        if chance < 0.3 and host.running:
            with scene.stopped(host):
                resume(host)
        else:
            resume(host)
            if chance < 0.6 and (code := scene.end(host)):
                scene.misreported.append(f"the run that was alive ended with {code}")

    rounds(scene, kills, disturb)


def restarted(scene: Scene, kills: int) -> None:
    """The board dies in the middle, and comes again with the same name and another chip."""
    scene.serve()

    def disturb(host: Command) -> None:
        scene.kill_board()
        if scene.rng.random() < 0.5:
            scene.kill(host)
        scene.serve()
        if host.running:
            scene.end(host)
        if not is_over(scene) and scene.finish():
            scene.judge()

    rounds(scene, kills, disturb)


def _started(name: str, url: str, heard: Path, said: Path) -> Forked | Popen[bytes]:
    """Start a program of `kill_users`; in an interpreter of its own where its end matters."""
    if name == "threads":
        return Forked(kill_users.main, name, url, stdout=heard, stderr=said)
    with heard.open("w") as out, said.open("w") as err:  # a pipe would fill, and stop it
        return Popen(
            [sys.executable, "-m", "support.kill_users", name, url],
            env={**os.environ, "PYTHONPATH": PATH},
            stdout=out,
            stderr=err,
        )


def _user(scene: Scene, kills: int, name: str) -> None:
    """A program that asks for single rows, killed; the board's log against what it was told."""
    scene.serve()
    while scene.kills < kills:
        before = Counter(row for _, row, _ in scene.fired())
        heard, said = (scene.directory / f"{name}{scene.kills}.{what}" for what in ("out", "err"))
        host = _started(name, scene.url(), heard, said)
        target = sum(before.values()) + 4 + int(scene.rng.integers(40))
        deadline = time.monotonic() + DEADLINE
        while len(scene.fired()) < target and host.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        if len(scene.fired()) < target:
            scene.refusals.append(f"{name}: it hangs, or ends with {host.returncode}")
        scene.look_on_board()
        host.kill()
        host.communicate(timeout=DEADLINE)
        scene.kills += 1
        scene.grounded()
        if lines := without_notes(said.read_text()):
            scene.refusals.append(f"{name}: on stderr {lines[-5:]}")
        told: dict[str, Counter[int]] = {
            w: Counter() for w in ("asked", "done", "refused", "alone")
        }
        for line in heard.read_text().splitlines():
            document = json.loads(line)
            told[document["what"]][document["row"]] += 1
            if document["what"] == "refused" and "\n" in document["text"].strip():
                scene.refusals.append(f"{name}: {document['text']}")
            if document["what"] == "refused" and document["seconds"] > 2:
                scene.refusals.append(f"{name}: refused after {document['seconds']:.1f} s")
        if name == "fork" and told["refused"][1]:
            scene.misreported.append("the parent was refused after its children had ended")
        fired = Counter(row for _, row, _ in scene.fired()) - before
        for row in told["asked"] | fired:
            low, high = told["done"][row], told["asked"][row] - told["refused"][row]
            if fired[row] > told["asked"][row]:
                scene.twice.append(
                    f"{name}: row {row} {told['asked'][row]} asked, {fired[row]} fired"
                )
            elif not low <= fired[row] <= high:
                scene.misreported.append(
                    f"{name}: row {row} told done {low} times, refused {told['refused'][row]} of "
                    f"{told['asked'][row]}; fired {fired[row]}"
                )
        scene.judge()
        scene.ask("board", "info", "--board", scene.url(), "--json")
        scene.judge()


def threads(scene: Scene, kills: int) -> None:
    """Threads share an array."""
    _user(scene, kills, "threads")


def forked(scene: Scene, kills: int) -> None:
    """Children that were forked use their parent's board."""
    _user(scene, kills, "fork")


CASES: dict[str, Callable[[Scene, int], None]] = {
    one.__name__: one
    for one in (
        *(killed, suspended, same_serial, disk_full, renamed),
        *(alive, restarted, threads, forked),
    )
}
