"""`memlab live`."""

from __future__ import annotations

import webbrowser
from contextlib import suppress
from importlib.util import find_spec
from ipaddress import ip_address
from typing import Any

import rich_click as click

from drivers.extras import pip_command
from memlab.cli.command import Command
from memlab.cli.failures import INTERRUPTED
from memlab.errors import SettingError

_PORT = 5006
"""As that of Bokeh's own server."""


@click.command(cls=Command)
@click.argument("what", metavar="PATH")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=_PORT,
    show_default=True,
    metavar="N",
    help="Port of the page; 0 takes one that is free.",
)
@click.option("--no-browser", is_flag=True, help="Open no browser; the address is printed.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Address to listen on. On any but this computer's own, a token is asked for.",
)
@click.option(
    "--embed",
    is_flag=True,
    help="Let a notebook on this computer show the page in a frame (memlab.notebook.live).",
)
def live(what: str, port: int, no_browser: bool, host: str, embed: bool) -> int:
    """Show a run, a directory of runs, or a chip's passport as a web page, while it changes.

    PATH is a run file, a directory, or a passport (also by the serial number of its board).
    Everything is only read. Ctrl-C ends the page, and leaves the run alone.
    """
    _check_address(host)
    if embed and host != "127.0.0.1":
        raise SettingError("--embed is for notebooks of this computer: leave out --host")
    from memlab.live.target import target_of

    target = target_of(what)
    if find_spec("bokeh") is None:
        raise SettingError(
            f"the live page needs Bokeh: {pip_command('live')} (memlab runs watch shows a run in "
            "the terminal without it)"
        )
    from memlab.live.pages import pages_of
    from memlab.live.server import LiveServer

    server = LiveServer(pages_of(target), host, port, framed=embed)
    try:
        click.echo(server.door.url)
        _say(f"{what}: a page at this address; it only reads. Ctrl-C ends it")
        if server.door.token:
            _say(
                f"warning: {host} is reachable from the network. Only browsers with the token see "
                "the page, but it is not encrypted; a tunnel (ssh -L) to 127.0.0.1 is safer"
            )
        if not no_browser:
            webbrowser.open(server.door.url)
        with suppress(KeyboardInterrupt):
            server.run()
        _say("the page has ended; nothing was written, and runs go on")
    finally:
        server.close()
    return INTERRUPTED


def _check_address(host: str) -> None:
    if host == "localhost":
        return
    try:
        ip_address(host)
    except ValueError as error:
        raise SettingError(
            f"--host {host} is no address: give one of this computer, for example 127.0.0.1, or "
            "0.0.0.0 for all that it has"
        ) from error


def _say(text: Any) -> None:
    click.echo(f"memlab: {text}", err=True)
