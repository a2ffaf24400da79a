"""Who may come in, what the browser may do, and how the command begins and ends."""

import re
import shlex
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from support.live_served import Served

from drivers.extras import pip_command
from memlab.cli import cli

WITH_BOKEH = pytest.mark.skipif(
    not find_spec("bokeh"),
    reason="the extra live is not installed",
)


@pytest.fixture(scope="module")
def served(live_runs: dict[str, Path]) -> Iterator[Served]:
    made = Served(str(live_runs["map"]))
    yield made
    made.end(signal.SIGKILL)


@WITH_BOKEH
def test_a_page_comes_with_a_strict_policy_and_no_script_in_it(served: Served) -> None:
    answer = served.ask("/")
    assert answer.status == 200
    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == policy["script-src"] == "'self'"
    assert policy["connect-src"] == f"'self' ws://127.0.0.1:{served.port}"
    assert policy["frame-ancestors"] == policy["object-src"] == "'none'"
    page = answer.body.decode()
    scripts = re.findall(r"<script([^>]*)>([^<]*)</script>", page)
    assert len(scripts) == 5
    for attributes, text in scripts:
        assert not text or "application/json" in attributes
        assert 'src="/' in attributes or "application/json" in attributes
    assert not re.search(r"\bon[a-z]+=|javascript:|https?://", page)
    for path in re.findall(r'(?:src|href)="([^"]+)"', page):
        asset = served.ask(path)
        assert (asset.status, "Content-Security-Policy" in asset.headers) == (200, True), path
        assert "Access-Control-Allow-Origin" not in asset.headers


@WITH_BOKEH
@pytest.mark.parametrize(
    ("path", "headers", "method", "status"),
    [
        ("/", {"Host": "example.com"}, "GET", 403),
        ("/", {"Host": "example.com:{port}"}, "GET", 403),
        ("/", {"Host": "127.0.0.1:8000"}, "GET", 200),
        ("/", {"Host": "127.0.0.1:{port}@example.com"}, "GET", 400),
        ("/", {"Host": "localhost:{port}"}, "GET", 200),
        ("/autoload.js?bokeh-autoload-element=1", {}, "GET", 404),
        ("/metadata", {}, "GET", 404),
        ("/static/js/../../server.py", {}, "GET", 404),
        ("/live/../server.py", {}, "GET", 404),
        ("/static/extensions/x.js", {}, "GET", 404),
        ("/", {}, "POST", 405),
    ],
)
def test_what_is_let_in(
    served: Served, path: str, headers: dict[str, str], method: str, status: int
) -> None:
    given = {name: value.format(port=served.port) for name, value in headers.items()}
    assert served.ask(path, given, method).status == status


@WITH_BOKEH
def test_only_pages_of_the_same_origin_get_a_socket(served: Served) -> None:
    here = f"127.0.0.1:{served.port}"
    assert served.socket_opens(f"http://{here}") in (101, 200)
    for origin in ("http://example.com", "null", "", f"http://localhost:{served.port}"):
        assert served.socket_opens(origin) == 403, origin


@WITH_BOKEH
def test_a_damaged_token_of_a_socket_is_refused(served: Served) -> None:
    here = f"http://127.0.0.1:{served.port}"
    for words in ("bokeh, abc", "bokeh", "bokeh, e30", "bokeh, \xff"):
        assert served.socket_opens(here, **{"Sec-WebSocket-Protocol": words}) == 403, words


def assert_one_line_ends_it(code: int, stderr: str) -> None:
    assert code == 130
    assert "Traceback" not in stderr
    assert len([line for line in stderr.splitlines() if "has ended" in line]) == 1


@WITH_BOKEH
def test_pages_that_nobody_looks_at_do_not_pile_up_and_ctrl_c_ends_it_in_one_line(
    live_runs: dict[str, Path],
) -> None:
    served = Served(str(live_runs["map"]))
    try:
        with ThreadPoolExecutor(12) as askers:  # at once: pages that are being made count, too
            found = list(askers.map(served.ask, ["/"] * 12))
        assert sorted(one.status for one in found) == [*[200] * 8, *[503] * 4]
        refused = next(one for one in found if one.status == 503)
        assert refused.headers["Retry-After"] == "10"
        assert refused.body.count(b"\n") == 1
        assert served.ask("/live/live.js").status == 200
    finally:
        ended = served.end(signal.SIGINT)
    assert_one_line_ends_it(*ended)


@WITH_BOKEH
def test_another_address_asks_for_a_token_and_keeps_it_in_a_cookie(
    live_runs: dict[str, Path],
) -> None:
    served = Served(str(live_runs["map"]), "--host", "0.0.0.0")
    try:
        assert len(served.token) >= 32
        for path in ("/", "/?token=", f"/?token={served.token[:-1]}", "/live/live.js", "/ws"):
            assert served.ask(path).status == 403, path
        entered = served.ask(f"/?token={served.token}")
        assert (entered.status, entered.headers["Location"]) == (303, "/")
        cookie = entered.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        name = cookie.partition("=")[0]
        kept = {"Cookie": f"{name}={served.token}"}
        page = served.ask("/", kept)
        assert page.status == 200
        assert served.token not in page.body.decode()
        assert served.ask("/", {"Cookie": f"{name}=wrong"}).status == 403
        here = f"http://127.0.0.1:{served.port}"
        assert served.socket_opens(here, **kept) in (101, 200)
        assert served.socket_opens(here) == 403
    finally:
        code, stderr = served.end()
    assert code == 130
    assert "not encrypted" in stderr


@WITH_BOKEH
def test_a_directory_has_a_page_and_its_runs_have_theirs_and_sigterm_ends_it_in_one_line(
    live_runs: dict[str, Path],
) -> None:
    served = Served(str(live_runs["map"].parent))
    try:
        for path in ("/", "/?run=map.h5", "/?run=..%2Fmap.h5", "/?run=%FF"):
            assert served.ask(path).status == 200, path
    finally:
        ended = served.end(signal.SIGTERM)
    assert_one_line_ends_it(*ended)


@WITH_BOKEH
def test_a_port_that_is_in_use_is_one_line(live_runs: dict[str, Path]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = CliRunner().invoke(cli, ["live", str(live_runs["map"]), "--port", port])
    assert "in use" in str(done.exception)
    assert "--port 0" in str(done.exception)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing.h5"], "nothing.h5"),
        (["notes.txt"], "no run file"),
        (["notes.txt", "--host", "lab.example.com"], "is no address"),
    ],
)
def test_what_cannot_be_shown_is_one_line(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").write_text("no run")
    done = CliRunner().invoke(cli, ["live", *arguments, "--no-browser", "--port", "0"])
    assert words in str(done.exception)
    assert "\n" not in str(done.exception)


def test_without_bokeh_one_line_names_the_extra(
    live_runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memlab.cli.live.find_spec", lambda name: None)
    done = CliRunner().invoke(cli, ["live", str(live_runs["map"])])
    assert "memlab[live]" in str(done.exception)


def test_where_memlab_runs_from_its_sources_pip_is_given_their_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    assert pip_command("live") == "python -m pip install 'memlab[live]'"
    monkeypatch.setattr("drivers.extras.distribution", missing)
    (*_, place) = shlex.split(pip_command("live"))
    assert Path(place.removesuffix("[live]"), "pyproject.toml").is_file()


@WITH_BOKEH
@pytest.mark.parametrize(
    ("framed", "who"), [(False, "'none'"), (True, "http://127.0.0.1:* http://localhost:*")]
)
def test_only_a_notebook_has_it_in_a_frame(*, framed: bool, who: str) -> None:
    from tornado.httputil import HTTPHeaders

    from memlab.live.door import Headers

    made = Headers(SimpleNamespace(host="127.0.0.1:5006", path="/"), framed=framed)
    _, headers, _ = made.transform_first_chunk(200, HTTPHeaders(), b"", True)
    assert headers["Content-Security-Policy"].split("; ")[-1] == f"frame-ancestors {who}"


def test_a_frame_is_of_this_computer(live_runs: dict[str, Path]) -> None:
    words = ["live", str(live_runs["map"]), "--embed", "--host", "0.0.0.0"]
    assert "leave out --host" in str(CliRunner().invoke(cli, words).exception)
