"""One place turns any exception into one line; talk never stops anything; no option twice."""

import codecs
import errno
import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import rich_click as click

from firmware_protocol.errors import MemlabError
from memlab.cli.command import Command
from memlab.cli.commands import cli
from memlab.cli.failures import explain
from memlab.cli.lazy import LazyGroup
from memlab.cli.streams import OutputError, show_document, standard_streams
from memlab.errors import DataError, LimitError, SettingError, TransportError

pytestmark = pytest.mark.usefixtures("rendered")

Memlab = Callable[..., tuple[int, str, str]]


def commands() -> list[tuple[str, click.Command]]:
    """Every command with its whole name."""
    found = []

    def visit(name: str, command: click.Command) -> None:
        if not isinstance(command, click.Group):
            found.append((name, command))
            return
        with click.Context(command) as ctx:
            for word in command.list_commands(ctx):
                one = command.resolve_command(ctx, [word])[1]
                assert one is not None
                visit(f"{name} {word}".strip(), one)

    visit("", cli)
    return found


@pytest.mark.parametrize(("name", "command"), commands())
def test_every_command_takes_debug_and_refuses_an_option_twice(
    memlab: Memlab, name: str, command: click.Command
) -> None:
    assert isinstance(command, Command)
    with click.Context(command) as ctx:
        assert "--debug" in {word for param in command.get_params(ctx) for word in param.opts}
    for param in command.params:
        if not isinstance(param, click.Option) or param.multiple:
            continue
        once = [param.opts[0]] if param.is_flag else [param.opts[0], "1"]
        code, out, err = memlab(*name.split(), *once, *once)
        assert (code, out) == (2, "")
        assert err == f"memlab: {param.opts[0]} is given twice; give it once\n"


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "a.h5"), 1, "a.h5: No space left"),
        (OSError("Can't write (errno = 28, error message = 'x')"), 1, "No space left on device"),
        (OSError("odd"), 1, "odd"),
        (PermissionError(errno.EACCES, "no", b"a\xff.h5"), 1, "a\udcff.h5: Permission denied"),
        (MemoryError("Unable to allocate 8 TiB"), 1, "not enough memory: Unable to allocate 8 TiB"),
        (MemoryError(), 1, "not enough memory"),
        (RecursionError("maximum recursion depth exceeded"), 1, "nested too deeply"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"), 1, "UnicodeDecodeError"),
        (RuntimeError("two\nlines"), 1, "RuntimeError: two lines; run it again with --debug"),
        (ZeroDivisionError(), 1, "ZeroDivisionError"),
        (ModuleNotFoundError("No module named 'pooch'"), 1, "No module named 'pooch'"),
        (SettingError("wrong"), 2, "wrong"),
        (TransportError("line"), 3, "line"),
        (LimitError("limit"), 4, "limit"),
        (MemlabError("failed"), 1, "failed"),
        (MemlabError(""), 1, "MemlabError"),
        (click.UsageError("usage"), 2, "usage"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (click.Abort(), 130, "interrupted"),
    ],
)
def test_any_exception_is_one_line_and_an_exit_code(
    error: BaseException, code: int, words: str
) -> None:
    text, number = explain(error)
    assert words in text
    assert number == code
    assert "\n" not in text
    assert len(text.splitlines()) == 1


def test_the_line_names_what_was_saved_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("runs").mkdir()
    Path("runs/a.h5").touch()
    Path("runs/b.part").touch()
    low = OSError(errno.ENOSPC, "No space left on device", "runs/a.h5")
    low.saved = [Path("runs/a.h5"), Path("runs/b.part"), Path("gone.h5")]  # type: ignore[attr-defined]
    high = RuntimeError("closing failed")
    high.__cause__ = low
    text, _ = explain(high)
    assert text.endswith("; what was measured is in runs/a.h5, runs/b.part")
    text, _ = explain(low)
    assert text.count("runs/a.h5") == 1


def _fail(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise error

    from memlab.cli import limits

    monkeypatch.setattr(limits, "Limits", fail)


@pytest.mark.parametrize("error", [RuntimeError("broken"), BrokenPipeError(errno.EPIPE, "gone")])
def test_debug_shows_the_traceback(
    memlab: Memlab, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    _fail(monkeypatch, error)
    code, out, err = memlab("limits")
    assert (code, out) == (1, "")
    assert err.startswith("memlab: ")
    assert err.count("\n") == 1
    for arguments in (("limits", "--debug"), ("--debug", "limits")):
        code, out, err = memlab(*arguments)
        assert code == 1
        assert "Traceback" in err
        assert err.splitlines()[-1].startswith("memlab: ")
    monkeypatch.setenv("MEMLAB_DEBUG", "1")
    assert "Traceback" in memlab("limits")[2]
    monkeypatch.setenv("MEMLAB_DEBUG", "0")
    assert "Traceback" not in memlab("limits")[2]


class _Gone(io.TextIOBase):
    def write(self, text: str) -> int:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    def flush(self) -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


def test_talk_is_dropped_where_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (_Gone(), None):
        monkeypatch.setattr(sys, "stderr", stream)
        with standard_streams():
            print("words", file=sys.stderr, flush=True)
            click.echo("words", err=True)
        assert sys.stderr is stream


def test_a_result_that_cannot_be_written_names_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (_Gone(), None):
        monkeypatch.setattr(sys, "stdout", stream)
        with standard_streams():
            with pytest.raises(OutputError) as refused:
                show_document({"run": "a.h5", "figure": None, "seconds": 3})
            click.echo("more")  # said once
        assert refused.value.saved == ["a.h5"]
        assert sys.stdout is stream


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "utf-8", "cp437"])
def test_a_terminal_gets_what_it_can_show(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    with standard_streams():
        click.echo("1 k\N{OHM SIGN} \N{GREEK SMALL LETTER MU}S \N{SNOWMAN} a\udcffb")
    stream.flush()
    shown = raw.getvalue()
    assert b"a\xffb" in shown, "the name of a file keeps its bytes"
    if encoding == "utf-8":
        assert "\N{SNOWMAN}" in shown.decode(errors="replace")
    else:
        assert b"1 kohm " in shown or "\N{GREEK CAPITAL LETTER OMEGA}".encode("cp437") in shown
        assert b"?" in shown
    assert codecs.lookup_error("memlab.replace")


def test_groups_refuse_and_debug_too() -> None:
    with click.Context(cli) as ctx:
        for name in cli.list_commands(ctx):
            command = cli.resolve_command(ctx, [name])[1]
            assert isinstance(command, Command)
            if isinstance(command, click.Group):
                assert isinstance(command, LazyGroup) or name == "data"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("train airline --epochs abc", "--epochs': 'abc' is not a whole number from 0."),
        ("train airline --epochs -3", "--epochs': -3 is not in the range x>=0."),
        ("board serve --tcp 1.5", "--tcp': '1.5' is not a whole number from 0 up to 65535."),
        ("calibrate --seconds soon", "--seconds': 'soon' is not a number above 0.0."),
    ],
)
def test_a_word_where_a_number_belongs_is_told_which_numbers_are_allowed(
    memlab: Memlab, words: str, said: str
) -> None:
    code, out, err = memlab(*words.split())
    assert (code, out) == (2, "")
    assert err == f"memlab: Invalid value for '{said}\n"


@pytest.mark.parametrize(
    "error",
    [
        DataError("cannot read x.npz: [Errno 21] Is a directory: 'x.npz'"),
        RuntimeError("[Errno 2] No such file"),
        TransportError("the line died ([Errno -2] Name or service not known)"),
    ],
)
def test_numbers_of_the_system_are_not_told(error: Exception) -> None:
    text, _ = explain(error)
    assert "Errno" not in text
    assert any(words in text for words in ("Is a directory", "No such file", "Name or service"))
