"""`memlab board serve`."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable
from contextlib import ExitStack, suppress
from ipaddress import ip_address
from pathlib import Path

import rich_click as click

from drivers.faults.options import Faults, Place, parse_faults
from drivers.tokens import TOKEN_VARIABLE
from memlab.chip.shape import PUBLISHED, parse_shape, shape_text
from memlab.cli.command import Command
from memlab.cli.options import SEED
from memlab.cli.streams import tell
from memlab.emulator import EmulatedBoard, load_preset
from memlab.emulator.chip_file import ChipFile, read_identity
from memlab.emulator.making import make_board
from memlab.errors import SettingError
from memlab.passport.chip_in_file import make_passport
from memlab.passport.location import passport_beside
from memlab.storage import new_serial, require_file
from memlab.virtual_board import (
    BoardEvent,
    Keeper,
    Server,
    TcpPort,
    dpe_board,
    json_lines,
    mlp_board,
)
from memlab.virtual_board.boards import AsciiFirmware, MlpFirmware
from memlab.virtual_board.ports import Port
from memlab.virtual_board.running import enter


@click.command(cls=Command)
@click.option("--pty", is_flag=True, help="Serve on a pseudo-terminal, a serial port to a client.")
@click.option("--tcp", type=click.IntRange(0, 65535), metavar="PORT", help="Serve on a TCP port.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on. From another than this computer's own, clients need a token.",
)
@click.option(
    "--token",
    metavar="TEXT",
    envvar=TOKEN_VARIABLE,
    help="With --tcp: what clients must have in their URL (?token=TEXT), at least 8 letters, "
    "digits, - or _.  [default: a random one where --host needs one; else none]",
)
@click.option(
    "--link",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="With --pty: make a symbolic link, so that the name stays over restarts.",
)
@click.option(
    "--dialect",
    type=click.Choice(["mlp", "dpe"]),
    default="mlp",
    show_default=True,
    help="MLP/1, or the ASCII lines of the published board.",
)
@click.option("--chip", help="Chip preset, or a .toml file.  [default: ta-hfo2]")
@click.option(
    "--shape",
    metavar="ROWSxCOLUMNS",
    help="Its size, at most 128x64; with --dialect dpe just that.  [default: as the chip says]",
)
@click.option("--seed", type=SEED, help="Its seed.  [default: 0]")
@click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Keep the chip in this file: made as --chip and --seed say where there is none. It is "
    "saved while it is used, and when the board ends.",
)
@click.option(
    "--baud",
    type=click.IntRange(1200, 12_000_000),
    metavar="N",
    help="Imitate a line of this rate in both directions.  [default: as fast as possible]",
)
@click.option(
    "--serial",
    metavar="NAME",
    help="Serial number, by which a host keeps passport and calibration.  [default: a new one]",
)
@click.option(
    "--fault",
    "fault",
    multiple=True,
    metavar="NAME=VALUE",
    help="Let something go wrong on purpose: brown_out_after=N row-pulses, delay=S, "
    "stuck_column=C, stuck_code=CODE. Faults of the line belong into the URL "
    "(?fault.drop_after=100).",
)
@click.option("--jumper", is_flag=True, help="Set the jumper that unsafe chip access needs.")
@click.option(
    "--log",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Append each pulse and each grounding as a line of JSON, at the moment it happens.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the first line as a JSON document.")
@click.option("--quiet", is_flag=True, help="Say nothing on stderr.")
def serve(
    pty: bool,
    tcp: int | None,
    host: str,
    token: str | None,
    link: Path | None,
    dialect: str,
    chip: str | None,
    shape: str | None,
    seed: int | None,
    state: Path | None,
    baud: int | None,
    serial: str | None,
    fault: tuple[str, ...],
    jumper: bool,
    log: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run a virtual board until Ctrl-C: firmware, front end and chip behind a real port.

    The first line on stdout is the URL to use with --board. One client at a time; when it goes,
    every line is grounded, and the next may come. The chip keeps its state in between, and is blank
    when the board is started again: it is another chip then, with a serial number of its own. With
    --state FILE it is the same board with the same chip, which its clients see was started again.
    Whoever reaches the port can stop the board, with a token or without.
    """
    if pty == (tcp is not None):
        raise click.UsageError("choose one of --pty and --tcp PORT")
    if link is not None and not pty:
        raise click.UsageError("--link needs --pty")
    if serial is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", serial):
        raise click.UsageError(
            f"--serial {serial}: at most 32 letters, digits and any of . _ -, the first no sign"
        )
    faults = _faults(fault)
    stored = None if state is None else read_identity(state)
    preset = load_preset(chip or "ta-hfo2") if chip or stored is None else stored.preset
    if shape is not None:
        preset = preset.replace(shape=shape)
        rows, columns = parse_shape(preset.shape)
        if rows > PUBLISHED[0] or columns > PUBLISHED[1]:
            raise click.UsageError(
                f"--shape {shape}: a wire carries at most {shape_text(PUBLISHED)}; larger chips "
                f"are used in process (emulator:?shape={shape})"
            )
    if preset.passive.active:
        raise SettingError(
            f"{preset.name} has no gates, and neither MLP/1 nor the published dialect describes "
            "such a board: use it in process (emulator:?chip=..., with state=FILE to keep it)"
        )
    if seed is None:
        seed = 0 if stored is None else stored.seed
    file = None if state is None else ChipFile(state, preset, seed, serial or "")
    board = make_board(preset, seed, faults, file)
    serial = serial if file is None else file.identity.serial
    chip = chip or preset.name
    serial = serial or new_serial(board.capabilities.serial)
    with ExitStack() as stack:
        stack.callback(board.close)  # which saves a chip that has a file
        record = _recorder(log, stack)
        device: MlpFirmware | AsciiFirmware
        if dialect == "mlp":
            highest = 0 if file is None else file.notes.get("firmware", {}).get("op", 0)
            device = mlp_board(board, jumper, record, serial=serial, highest_op=highest)
        else:
            device = dpe_board(board, record)
        keeper = None
        if file is not None:
            keeper = _keeper(file, board, device)
            # Clients cannot know what budgets the chip's own file gives it.
            first = file.identity.preset.budgets.given()
            make_passport(passport_beside(file.path, serial), board.chip.shape, serial, first)
        secret = "" if tcp is None else _token(host, token)
        port = _open_pty(link) if tcp is None else TcpPort(host, tcp, device, secret)
        stack.callback(port.close)
        url = port.url if dialect == "mlp" else f"dpe+{port.url}?chip={serial}"
        with suppress(OSError):  # then `memlab board list` does not know it, and all else works
            kept_in = "" if file is None else str(file.path)
            stack.enter_context(enter(url, chip=chip, seed=seed, serial=serial, state=kept_in))
        if secret:
            url += f"{'&' if '?' in url else '?'}token={secret}"
        document = {"url": url, "dialect": dialect, "chip": chip, "seed": seed, "serial": serial}
        document["pid"] = os.getpid()
        tell(document, as_json, lambda _: [url])
        if not quiet:
            name = board.capabilities.name
            about = (
                "A new chip each time; to go on with this serial number's passport and calibration "
                f"all the same: --serial {serial}"
            )
            if file is not None:
                about = f"The chip is kept in {file.path}"
            click.echo(
                f"{name}, chip {chip}, seed {seed}, serial number {serial}; Ctrl-C ends\n{about}",
                err=True,
            )
            if tcp is not None and not _is_loopback(host):
                click.echo(
                    f"warning: {host} is reachable from the network. Only clients with the token "
                    "can use this board, but neither it nor their data are encrypted; a tunnel "
                    "(ssh -L) to 127.0.0.1 is safer",
                    err=True,
                )
        notify = (lambda text: None) if quiet else (lambda text: click.echo(text, err=True))
        Server(device, port, baud=baud, notify=notify, keeper=keeper).run()


def _keeper(file: ChipFile, board: EmulatedBoard, device: MlpFirmware | AsciiFirmware) -> Keeper:
    """Return what saves the chip; with it lies which operations of its clients it has got."""
    if isinstance(device, AsciiFirmware):  # whose dialect has no numbers
        return Keeper(board)
    journal = device.memory.journal
    file.noting["firmware"] = lambda _: {"op": journal.op_hw}
    return Keeper(board, device.pulsing)


def _open_pty(link: Path | None) -> Port:
    try:
        from memlab.virtual_board.pty_port import PtyPort
    except ImportError as error:  # Windows has no pseudo-terminals
        raise SettingError(
            f"this system has no pseudo-terminals ({error}); serve with --tcp PORT"
        ) from error
    return PtyPort(link)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _token(host: str, given: str | None) -> str:
    """Return what clients must say; empty where everybody on this computer may come in."""
    if given is not None:
        if not re.fullmatch(r"[A-Za-z0-9_-]{8,128}", given):
            raise SettingError("--token: 8 to 128 letters, digits, - or _")
        return given
    return "" if _is_loopback(host) else secrets.token_urlsafe(16)


def _faults(given: tuple[str, ...]) -> Faults:
    pairs = [one.partition("=") for one in given]
    try:
        return parse_faults("--fault", {name: text for name, _, text in pairs}, Place.SERVED)
    except ValueError as error:
        raise SettingError(str(error)) from error


def _recorder(log: Path | None, stack: ExitStack) -> Callable[[BoardEvent], None] | None:
    if log is None:
        return None
    try:
        if log.exists() and not log.is_char_device():
            require_file(log)  # a pipe would wait for somebody who reads it
        file = stack.enter_context(log.open("a"))
    except OSError as error:
        raise SettingError(f"cannot write the log {log}: {error.strerror}") from error
    return json_lines(file)
