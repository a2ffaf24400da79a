"""Names to arrays: a URL says which board, so a script never changes.

ideal:                                   float64, no codes, 128 x 64
ideal:?shape=34x60                       ... of another size (also ?rows=34&columns=60)
emulator:                                emulated board, chip ta-hfo2, seed 0
emulator:?shape=64x64                    ... of another size
emulator:?seed=7&chip=pt-taox-ta         any parameter of the preset may follow: &noise=0
emulator:?chip=ta-hfo2&wires.resistance=0.3   ... a nested one by its dotted name
emulator:?state=my-chip.h5               ... kept in a file: made by the other options where there
                                         is none, else they must fit; saved at checkpoints and when
                                         it is closed, with a passport beside it
mock:                                    answers at once with fixed codes, also ?shape=64x64: the
                                         speed of the program itself
serial:///dev/ttyACM0?baudrate=921600    a board on a wire; see `drivers.opening` for all of them
dpe+serial://COM4?chip=die-7             ... that speaks the published board's dialect; it has no
                                         serial number, so the chip's name stands for it
arc2:?firmware=FILE&chip=die-7           an ArC TWO; see `drivers.arc2_board` for its options
smu-matrix:?wiring=FILE&chip=die-7       two source-meter channels and a switch matrix; see
                                         `drivers.smu_matrix`
NAME:?option=value                       a board of another package; see `drivers.registry`

Options that begin with `fault.` let things go wrong on purpose: `drivers.faults` says which there
are. Options for the array on any board:

rounding=nearest      round voltages to the steps that the wire carries, instead of refusing
passport=FILE         keep the chip's passport there. A board on a wire has one by default, in the
                      state directory under its serial number, and a chip in a file beside it,
                      served on this computer or not; passport=none does without
lost=take-back        what a chip in a file, served or not, lacks of its passport is said, and taken
                      back in it (the default); lost=refuse refuses such a chip
budget.set=200000     another budget for this opening: set, reset, pulses, energy (J), forming; none
calibration=CHOICE    which static errors are undone: latest (the one in use of this board: `memlab
                      calibrate --use`), a version number, a file, or none. The default is latest on
                      a wire and none for emulator:
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from drivers.board import Board
from drivers.faults.options import Faults, Place, parse_faults, split_faults
from drivers.known_names import did_you_mean, dotted_names, near_names
from drivers.mock_board import MockBoard
from drivers.opening import SCHEMES, open_wire_board, parse_address, parse_options
from drivers.registry import named_schemes, open_named_board, read_options
from drivers.tokens import take_token
from memlab.array.board_array import BoardArray
from memlab.array.ideal import IdealArray
from memlab.array.options import ARRAY_OPTIONS, ArrayOptions, split_array_options
from memlab.array.passport_place import passport_of
from memlab.array.seam import Array
from memlab.calibration.store import LATEST, NONE, find_calibration
from memlab.chip.limit_changes import LimitChanges
from memlab.chip.limits import Limits, OperatingPoint
from memlab.chip.shape import PUBLISHED, parse_shape
from memlab.emulator import ChipPreset, load_preset
from memlab.emulator.chip_file import ChipFile, ChipIdentity, read_identity
from memlab.emulator.making import make_board
from memlab.errors import MemlabError, SettingError
from memlab.passport import Passport
from memlab.passport.location import passport_beside

__all__ = ["check_url", "chip_of_url", "open_array", "open_board", "open_board_array"]

_PORT = re.compile(r"/dev/\w+|COM\d+", re.IGNORECASE)
"""Names of serial ports, as operating systems give them."""

_SCHEMES = ("ideal", "emulator", "mock")
_SIDES = (("rows", PUBLISHED[0]), ("columns", PUBLISHED[1]))
_EMULATOR_OPTIONS = ("seed", "chip", "state", *ARRAY_OPTIONS)


def open_array(
    url: str,
    *,
    seed: int = 0,
    chip: ChipPreset | None = None,
    limits: Limits | LimitChanges | None = None,
    point: OperatingPoint | None = None,
) -> Array:
    """Open the array that a URL names; use the result as a context manager.

    Parameters
    ----------
    url
        For example `emulator:?seed=7&chip=ta-hfo2`; see the module's documentation.
    seed, chip
        Seed and chip of an emulated board whose URL does not give them.
    limits
        What the chip may see. By default what the chip's file says, where the URL or `chip` names
        one, over the defaults; changes of limits lie over those again.
    point
        The voltages and widths of reading and programming; by default what the chip's file says,
        and where none does, the published ones, with the shortest pulses that `limits` allow where
        those are longer than 1 us.

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
    _check_arguments(chip, limits, point)
    if not _is_ideal(_as_url(url)):
        return open_board_array(url, seed=seed, chip=chip, limits=limits, point=point)
    _, options = _split(url)
    array = IdealArray(*_shape(url, options), _limits(limits, chip), point)
    array.url = url
    return array


def open_board_array(
    url: str,
    *,
    seed: int = 0,
    chip: ChipPreset | None = None,
    limits: Limits | LimitChanges | None = None,
    point: OperatingPoint | None = None,
) -> BoardArray:
    """Open the array of a device, as `open_array`; one without a board below it is refused."""
    _check_arguments(chip, limits, point)
    url = _as_url(url)
    if _is_ideal(url):
        raise SettingError(f"{url} has no board; use serial://, socket:// or emulator:")
    address, asked = split_array_options(url)
    named = _chip_of(address, chip)
    allowed = _limits(limits, named)
    if point is None and named is not None:
        point = named.point.over(OperatingPoint())
    if point is None:
        # Nobody asked for 1 us; limits that allow only longer pulses say what is meant.
        width = max(OperatingPoint().set_width, allowed.minimum_width)
        point = OperatingPoint(set_width=width, reset_width=width)
    board, file = _open_board(address, seed, chip)
    passport = None
    try:
        first = {} if named is None else named.budgets.given()
        passport = _open_passport(board, address, asked, file, first)
        known = _is_device(url) and board.capabilities.serial
        choice = asked.calibration or (LATEST if known else NONE)
        array = BoardArray(
            board,
            allowed,
            point,
            rounding=asked.rounding,
            passport=passport,
            calibration=find_calibration(choice, board.capabilities.calibrated_as),
            refuse_lost=asked.refuse_lost,
        )
        array.url = url
        return array
    except BaseException:
        board.close()
        if passport is not None:
            passport.close()
        raise


def open_board(url: str, *, seed: int = 0, chip: ChipPreset | None = None) -> Board:
    """Open the board that a URL names; arguments and errors as in `open_array`.

    A board speaks in codes, so that options for the array mean nothing to it.
    """
    address, _ = split_array_options(_as_url(url))
    return _open_board(address, seed, chip)[0]


def _check_arguments(chip: object, limits: object, point: object) -> None:
    """Refuse what a script gives that is not of the right class."""
    for name, given, kinds, example in (
        ("chip", chip, ChipPreset, "memlab.emulator.load_preset('ta-hfo2')"),
        ("limits", limits, (Limits, LimitChanges), "memlab.Limits(set_voltage=3.0)"),
        ("point", point, OperatingPoint, "memlab.OperatingPoint(read_voltage=0.1)"),
    ):
        if given is not None and not isinstance(given, kinds):
            raise SettingError(f"{name}={given!r}: give {example}, or leave it out")


def _as_url(url: str) -> str:
    """Return a URL without its token, which this process remembers."""
    if not isinstance(url, str):
        raise SettingError(f"a board is named by a URL, for example 'emulator:', not by {url!r}")
    return take_token(url)


def _open_board(url: str, seed: int, chip: ChipPreset | None) -> tuple[Board, ChipFile | None]:
    """Open a board, and say in which file its chip is kept."""
    if _is_wire(url):
        try:
            return open_wire_board(url, ARRAY_OPTIONS), None
        except ValueError as error:
            raise SettingError(str(error)) from error
    scheme, options = _split(url)
    if scheme == "mock":
        return MockBoard(_shape(url, options)), None
    if scheme not in _SCHEMES:
        try:
            return open_named_board(url, scheme, options, ARRAY_OPTIONS), None
        except MemlabError:
            raise
        except ValueError as error:
            raise SettingError(str(error)) from error
    if scheme != "emulator":
        raise SettingError(f"{url!r} names no board; boards start with emulator: or serial://")
    options, faults = _faults(url, options)
    stored = _stored(url, options)
    seed = _number(url, options, "seed", seed if stored is None else stored.seed, 0)
    preset = _chip_of(url, chip) or load_preset("ta-hfo2")
    file = ChipFile(Path(options["state"]), preset, seed) if "state" in options else None
    return make_board(preset, seed, faults, file), file


def _stored(url: str, options: dict[str, str]) -> ChipIdentity | None:
    """Return what the chip in the file of a URL was made of; None where there is none yet."""
    if options.get("state") == "":
        raise SettingError(f"{url!r}: state= names no file; write state=FILE")
    return read_identity(Path(options["state"])) if "state" in options else None


def _chip_of(url: str, chip: ChipPreset | None) -> ChipPreset | None:
    """Return the chip that the URL of an emulated board makes of this one, or names itself."""
    if _is_wire(url) or _split(url)[0] != "emulator":
        return chip
    options, _ = _faults(url, _split(url)[1])
    if (stored := _stored(url, options)) is not None:
        chip = stored.preset
    for name in ("seed", "state"):
        options.pop(name, None)
    if "chip" in options:
        chip = load_preset(options.pop("chip"))
    if not options:
        return chip
    chip = chip or load_preset("ta-hfo2")
    parameters = dotted_names(chip.model_dump())
    for name in options:
        # What is no parameter may be a misspelt option; else the chip says what it has.
        known = dict.fromkeys((*_EMULATOR_OPTIONS, *parameters))
        near = ["chip"] if name == "preset" else near_names(name, known)
        if name not in parameters and near and near[0] in _EMULATOR_OPTIONS:
            raise SettingError(
                f"{url!r}: unknown option {name!r}; did you mean {near[0]}? Parameters of the chip "
                "are options too (memlab chip show NAME lists all)"
            )
    return chip.replace(**options)


def chip_of_url(url: str, chip: ChipPreset | None = None) -> ChipPreset | None:
    """Return the chip that a URL names, or makes of this one; opens no board."""
    url = _as_url(url)
    return chip if _is_ideal(url) else _chip_of(split_array_options(url)[0], chip)


def _limits(asked: Limits | LimitChanges | None, chip: ChipPreset | None) -> Limits:
    """Return what a chip may see: what is asked for, over what its own file says."""
    if isinstance(asked, Limits):
        return asked
    own = Limits() if chip is None else chip.limits.over(Limits())
    return own if asked is None else asked.over(own)


def check_url(url: str) -> str:
    """Raise `SettingError` unless the URL names a known kind of array; opens nothing.

    Returns the URL as it may be written down: without a token, which this process remembers.
    """
    url = _as_url(url)
    address, _ = split_array_options(url)
    if not _is_wire(url):
        scheme, options = _split(url)
        if scheme == "emulator":
            _faults(url, options)
    try:
        if _is_wire(url):
            parse_address(address, ARRAY_OPTIONS)
        elif scheme not in _SCHEMES:
            read_options(url, scheme, _split(address)[1], ARRAY_OPTIONS)
    except ValueError as error:
        raise SettingError(str(error)) from error
    return url


def _is_ideal(url: str) -> bool:
    return not _is_wire(url) and _split(url)[0] == "ideal"


def _is_wire(url: str) -> bool:
    return url.split(":", 1)[0] in SCHEMES


def _is_device(url: str) -> bool:
    """Whether a URL names a board that outlives the program."""
    return _is_wire(url) or _split(url)[0] not in _SCHEMES


def _open_passport(
    board: Board,
    address: str,
    asked: ArrayOptions,
    file: ChipFile | None,
    first: dict[str, float],
) -> Passport | None:
    """Open the passport that a URL asks for, or that its board has by default.

    `first` are budgets of a new one.
    """
    able = board.capabilities
    if asked.passport is not None:
        path = None if asked.passport == "none" else Path(asked.passport)
    elif file is not None:
        path = passport_beside(file.path, able.serial)
    else:
        path = passport_of(able.serial) if _is_device(address) and able.serial else None
    if path is None:
        if asked.budgets:
            name = next(iter(asked.budgets))
            raise SettingError(f"{address}: budget.{name} needs a passport; add passport=FILE")
        return None
    shape = able.rows, able.columns
    name, budgets = able.serial, asked.budgets
    return Passport(path, shape, chip=name, board=name, budgets=budgets, first=first)


def _split(url: str) -> tuple[str, dict[str, str]]:
    try:
        parts = urlsplit(url, allow_fragments=False)
    except ValueError as error:
        raise SettingError(f"{url!r} is not a URL: {error}") from error
    scheme = parts.scheme or url
    if scheme not in _SCHEMES and scheme not in named_schemes():
        short = (*_SCHEMES, *named_schemes())
        known = ", ".join([*(f"{name}:" for name in short), *(f"{n}://" for n in SCHEMES)])
        hint = did_you_mean(scheme, (*short, *SCHEMES))
        if _PORT.fullmatch(url):
            hint = f"did you mean serial://{url}? "
        raise SettingError(f"unknown board {url!r}; {hint}it must start with one of {known}")
    if parts.netloc or (parts.scheme and parts.path):
        raise SettingError(f"{url!r}: unexpected {parts.netloc + parts.path!r} after {scheme}:")
    try:
        return scheme, dict(parse_options(url, parts.query))
    except ValueError as error:
        raise SettingError(str(error)) from error


def _shape(url: str, options: dict[str, str]) -> tuple[int, int]:
    """Return the size that options ask for: shape, or rows and columns."""
    asked = set(options)
    sides = [str(_number(url, options, key, usual, 1)) for key, usual in _SIDES]
    try:
        shape = parse_shape(options.pop("shape", "x".join(sides)))
    except SettingError as error:
        raise SettingError(f"{url!r}: {error}") from error
    _refuse_rest(url, options, ("shape", "rows", "columns"))
    if "shape" in asked and len(asked) > 1:
        raise SettingError(f"{url!r}: give shape, or rows and columns, not both")
    return shape


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
    if len(text) > 19 or int(text) >= 2**63:  # what a run file can hold
        raise SettingError(f"{url!r}: {key}={text} must be below 2**63")
    return int(text)


def _refuse_rest(url: str, options: dict[str, str], allowed: Sequence[str]) -> None:
    if options:
        name = next(iter(options))
        hint = did_you_mean(name, allowed)
        raise SettingError(f"{url!r}: unknown option {name!r}; {hint}allowed: {', '.join(allowed)}")
