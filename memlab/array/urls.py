"""Names to arrays: a URL says which board, so a script never changes.

ideal:                                   float64, no codes, 128 x 64
ideal:?rows=34&columns=60                ... of another size
emulator:                                emulated board, chip ta-hfo2, seed 0
emulator:?seed=7&chip=pt-taox-ta         any parameter of the preset may follow: &noise=0
emulator:?chip=ta-hfo2&wires.resistance=0.3   ... a nested one by its dotted name
serial:///dev/ttyACM0?baudrate=921600    a board on a wire; see `drivers.opening` for all of them
dpe+serial://COM4?chip=die-7             ... that speaks the published board's dialect; it has no
                                         serial number, so the chip's name stands for it

Options that begin with `fault.` let things go wrong on purpose: `drivers.faults` says which there
are. Options for the array on any board:

rounding=nearest      round voltages to the steps that the wire carries, instead of refusing
passport=FILE         keep the chip's passport there. A board on a wire has one by default, in the
                      state directory under its serial number; passport=none does without
budget.set=200000     another budget for this opening: set, reset, pulses, energy (J), forming; none
calibration=CHOICE    which static errors are undone: latest (the one in use of this board: `memlab
                      calibrate --use`), a version number, a file, or none. The default is latest on
                      a wire and none for emulator:
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from drivers.board import Board
from drivers.faults.options import Faults, Place, parse_faults, split_faults
from drivers.opening import SCHEMES, open_wire_board, parse_address, parse_options
from drivers.tokens import take_token
from memlab.array.board_array import BoardArray
from memlab.array.ideal import IdealArray
from memlab.array.options import ArrayOptions, split_array_options
from memlab.array.seam import Array
from memlab.calibration.store import LATEST, NONE, find_calibration
from memlab.emulator import ChipPreset, EmulatedBoard, load_preset
from memlab.errors import SettingError
from memlab.limits import Limits, OperatingPoint
from memlab.passport import Passport
from memlab.passport.location import default_path

__all__ = ["check_url", "open_array", "open_board"]

LARGEST = 1 << 24
"""Cells of the largest `ideal:` array: 128 MiB."""

_SCHEMES = ("ideal", "emulator")


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
        If the board cannot be reached, speaks something else, or another program has it or the
        chip's passport.
    DataError
        If the passport is none, or is damaged.
    """
    url = take_token(url)
    array = _open_array(url, seed, chip, limits, point)
    array.url = url
    return array


def _open_array(
    url: str,
    seed: int,
    chip: ChipPreset | None,
    limits: Limits | None,
    point: OperatingPoint | None,
) -> Array:
    scheme, options = ("", {}) if _is_wire(url) else _split(url)
    if scheme == "ideal":
        rows = _number(url, options, "rows", 128, 1)
        columns = _number(url, options, "columns", 64, 1)
        _refuse_rest(url, options, "rows, columns")
        if rows * columns > LARGEST:
            raise SettingError(
                f"{url!r}: {rows} x {columns} cells are too many; allowed: {LARGEST} in all, for "
                "example 4096 x 4096"
            )
        return IdealArray(rows, columns, limits, point)
    address, asked = split_array_options(url)
    board = open_board(url, seed=seed, chip=chip)
    passport = None
    try:
        passport = _open_passport(board, address, asked)
        known = _is_wire(url) and board.capabilities.serial
        choice = asked.calibration or (LATEST if known else NONE)
        return BoardArray(
            board,
            limits,
            point,
            rounding=asked.rounding,
            passport=passport,
            calibration=find_calibration(choice, board.capabilities.calibrated_as),
        )
    except BaseException:
        board.close()
        if passport is not None:
            passport.close()
        raise


def open_board(url: str, *, seed: int = 0, chip: ChipPreset | None = None) -> Board:
    """Open the board that a URL names; arguments and errors as in `open_array`.

    A board speaks in codes, so that options for the array mean nothing to it.
    """
    address, _ = split_array_options(take_token(url))
    return _open_board(address, seed, chip)


def _open_board(url: str, seed: int, chip: ChipPreset | None) -> Board:
    if _is_wire(url):
        try:
            return open_wire_board(url)
        except ValueError as error:
            raise SettingError(str(error)) from error
    scheme, options = _split(url)
    if scheme != "emulator":
        raise SettingError(f"{url!r} names no board; boards start with emulator: or serial://")
    options, faults = _faults(url, options)
    seed = _number(url, options, "seed", seed, 0)
    preset = load_preset(options.pop("chip")) if "chip" in options else chip
    preset = preset or load_preset("ta-hfo2")
    preset = preset.replace(**options) if options else preset
    if faults:
        from memlab.emulator.faulty_board import FaultyEmulatedBoard

        return FaultyEmulatedBoard(preset, seed, faults)
    return EmulatedBoard(preset, seed)


def check_url(url: str) -> str:
    """Raise `SettingError` unless the URL names a known kind of array; opens nothing.

    Returns the URL as it may be written down: without a token, which this process remembers.
    """
    url = take_token(url)
    address, _ = split_array_options(url)
    if not _is_wire(url):
        scheme, options = _split(url)
        if scheme == "emulator":
            _faults(url, options)
        return url
    try:
        parse_address(address)
    except ValueError as error:
        raise SettingError(str(error)) from error
    return url


def _is_wire(url: str) -> bool:
    return url.split(":", 1)[0] in SCHEMES


def _open_passport(board: Board, address: str, asked: ArrayOptions) -> Passport | None:
    """Open the passport that a URL asks for, or that its board has by default."""
    able = board.capabilities
    if asked.passport is not None:
        path = None if asked.passport == "none" else Path(asked.passport)
    else:
        path = default_path(able.serial) if _is_wire(address) and able.serial else None
    if path is None:
        if asked.budgets:
            name = next(iter(asked.budgets))
            raise SettingError(f"{address}: budget.{name} needs a passport; add passport=FILE")
        return None
    shape = able.rows, able.columns
    return Passport(path, shape, chip=able.serial, board=able.serial, budgets=asked.budgets)


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
    try:
        return scheme, dict(parse_options(url, parts.query))
    except ValueError as error:
        raise SettingError(str(error)) from error


def _faults(url: str, options: dict[str, str]) -> tuple[dict[str, str], Faults]:
    """Return the options of an emulated board without the faults, and these."""
    asked, others = split_faults(options.items())
    try:
        return dict(others), parse_faults(repr(url), asked, Place.PROCESS)
    except ValueError as error:
        raise SettingError(str(error)) from error


def _number(url: str, options: dict[str, str], key: str, default: int, minimum: int) -> int:
    text = options.pop(key, str(default))
    if not text.isdecimal() or int(text) < minimum:
        raise SettingError(f"{url!r}: {key}={text} must be a whole number of at least {minimum}")
    return int(text)


def _refuse_rest(url: str, options: dict[str, str], allowed: str) -> None:
    if options:
        raise SettingError(f"{url!r}: unknown option {next(iter(options))!r}; allowed: {allowed}")
