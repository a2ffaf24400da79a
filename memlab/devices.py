"""Names to arrays: a URL says which board, so a script never changes.

ideal:                                   float64, no codes, 128 x 64
ideal:?rows=34&columns=60                ... of another size
emulator:                                emulated board, chip ta-hfo2, seed 0
emulator:?seed=7&chip=pt-taox-ta         any parameter of the preset may follow: &noise=0
emulator:?chip=ta-hfo2&wires.resistance=0.3   ... a nested one by its dotted name
serial:///dev/ttyACM0?baudrate=921600    a board on a wire; see `drivers.opening` for all of them
dpe+serial://COM4                        ... that speaks the published board's dialect

On a board, `rounding=nearest` rounds voltages to the steps that its wire carries, instead of
refusing what lies between them, and `calibration=` says which static errors are undone: `latest`
(the one in use of this board: `memlab calibrate --use`), a version number, a file, or `none`. The
default is `latest` on a wire and `none` for `emulator:`.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from drivers.board import Board
from drivers.opening import SCHEMES, open_wire_board, parse_address
from memlab.array import Array
from memlab.board_array import BoardArray
from memlab.calibration.store import LATEST, NONE, find_calibration
from memlab.emulator import ChipPreset, EmulatedBoard, load_preset
from memlab.errors import SettingError
from memlab.ideal import IdealArray
from memlab.limits import Limits, OperatingPoint

__all__ = ["check_url", "open_array", "open_board"]

_SCHEMES = ("ideal", "emulator")
_ROUNDING, _CALIBRATION = "rounding", "calibration"


def open_array(
    url: str,
    *,
    seed: int = 0,
    chip: ChipPreset | None = None,
    limits: Limits | None = None,
    point: OperatingPoint | None = None,
) -> Array:
    """Open the array that a URL names; use the result as a context manager.

    Parameters
    ----------
    url
        For example `emulator:?seed=7&chip=ta-hfo2`; see the module's documentation.
    seed, chip
        Seed and chip of an emulated board whose URL does not give them.
    limits, point
        What the chip may see, and the voltages and widths of reading and programming.

    Raises
    ------
    SettingError
        If the URL names no known kind of array, or has a wrong option.
    TransportError, ProtocolError
        If the board cannot be reached, or speaks something else.
    """
    scheme, options = ("", {}) if _is_wire(url) else _split(url)
    if scheme == "ideal":
        rows = _number(url, options, "rows", 128, 1)
        columns = _number(url, options, "columns", 64, 1)
        _refuse_rest(url, options, "rows, columns")
        return IdealArray(rows, columns)
    own = _own_options(url)
    board = open_board(url, seed=seed, chip=chip)
    try:
        choice = own.get(_CALIBRATION, LATEST if _is_wire(url) else NONE)
        calibration = find_calibration(choice, board.capabilities.serial)
        rounding = _ROUNDING in own
        return BoardArray(board, limits, point, rounding=rounding, calibration=calibration)
    except BaseException:
        board.close()
        raise


def open_board(url: str, *, seed: int = 0, chip: ChipPreset | None = None) -> Board:
    """Open the board that a URL names; arguments and errors as in `open_array`.

    A board speaks in codes, so that `rounding` and `calibration` mean nothing to it.
    """
    if _is_wire(url):
        try:
            return open_wire_board(_without_own_options(url))
        except ValueError as error:
            raise SettingError(str(error)) from error
    scheme, options = _split(url)
    if scheme != "emulator":
        raise SettingError(f"{url!r} names no board; boards start with emulator: or serial://")
    options.pop(_CALIBRATION, None)
    seed = _number(url, options, "seed", seed, 0)
    preset = load_preset(options.pop("chip")) if "chip" in options else chip
    preset = preset or load_preset("ta-hfo2")
    return EmulatedBoard(preset.replace(**options) if options else preset, seed)


def check_url(url: str) -> None:
    """Raise `SettingError` unless the URL names a known kind of array; opens nothing."""
    if not _is_wire(url):
        _split(url)
        _own_options(url)
        return
    try:
        parse_address(_without_own_options(url))
    except ValueError as error:
        raise SettingError(str(error)) from error


def _is_wire(url: str) -> bool:
    return url.split(":", 1)[0] in SCHEMES


def _own_options(url: str) -> dict[str, str]:
    """Return the options that are for the array above the board, checked as far as possible."""
    pairs = [pair.partition("=") for pair in url.partition("?")[2].split("&")]
    own = {key: value for key, _, value in pairs if key in _own_keys(url)}
    if own.get(_ROUNDING, "nearest") != "nearest":
        raise SettingError(
            f"{url!r}: 'rounding={own[_ROUNDING]}': the only way to round is rounding=nearest"
        )
    choice = own.get(_CALIBRATION, NONE)
    if choice not in (NONE, LATEST) and not choice.isdecimal() and not Path(choice).is_file():
        raise SettingError(
            f"{url!r}: calibration={choice} is no file; allowed: latest, none, the number of a "
            "version, or a file (memlab calibrate --list shows what there is)"
        )
    return own


def _own_keys(url: str) -> tuple[str, ...]:
    # A board in process has no wire, so nothing that must be rounded.
    return (_ROUNDING, _CALIBRATION) if _is_wire(url) else (_CALIBRATION,)


def _without_own_options(url: str) -> str:
    """Return the URL for the driver."""
    _own_options(url)
    address, _, query = url.partition("?")
    rest = [p for p in query.split("&") if p and p.partition("=")[0] not in _own_keys(url)]
    return address + ("?" + "&".join(rest) if rest else "")


def _split(url: str) -> tuple[str, dict[str, str]]:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise SettingError(f"{url!r} is not a URL: {error}") from error
    scheme = parts.scheme or url
    if scheme not in _SCHEMES:
        known = ", ".join([*(f"{name}:" for name in _SCHEMES), *(f"{n}://" for n in SCHEMES)])
        raise SettingError(f"unknown board {url!r}; it must start with one of {known}")
    if parts.netloc or (parts.scheme and parts.path):
        raise SettingError(f"{url!r}: unexpected {parts.netloc + parts.path!r} after {scheme}:")
    return scheme, dict(parse_qsl(parts.query, keep_blank_values=True))


def _number(url: str, options: dict[str, str], key: str, default: int, minimum: int) -> int:
    text = options.pop(key, str(default))
    if not text.isdecimal() or int(text) < minimum:
        raise SettingError(f"{url!r}: {key}={text} must be a whole number of at least {minimum}")
    return int(text)


def _refuse_rest(url: str, options: dict[str, str], allowed: str) -> None:
    if options:
        raise SettingError(f"{url!r}: unknown option {next(iter(options))!r}; allowed: {allowed}")
