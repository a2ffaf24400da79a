"""Settings from a file: of a run that is to be repeated, or written by hand (TOML)."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from memlab.chip.limit_changes import LimitChanges
from memlab.chip.limits import Limits
from memlab.errors import DataError, SettingError
from memlab.kinds import Kind
from memlab.runs import Run, open_run
from memlab.session.chip_settings import chip_settings
from memlab.session.limits import recorded_limits
from memlab.settings import apply_settings, merge_settings, setting_names
from memlab.storage import require_file

__all__ = ["ConfigFile", "configure", "read_config"]

_HDF5 = b"\x89HDF"


@dataclass(frozen=True)
class ConfigFile:
    """Settings that a file gives.

    Parameters
    ----------
    path
        The file.
    values
        Nested plain values: all settings of a run, or those that a TOML file names.
    kind, preset
        Of the run; '' of a TOML file, which fits any kind that has its settings.
    """

    path: Path
    values: dict[str, Any]
    kind: str = ""
    preset: str = ""

    def check_kind(self, kind: str) -> None:
        """Raise `SettingError` where it is a run of another kind."""
        if self.kind and self.kind != kind:
            raise SettingError(
                f"--config {self.path}: that is a run of {self.kind}, not of {kind}; its settings "
                "are others"
            )

    def values_of(self, kind: str, kinds: Sequence[str]) -> dict[str, Any]:
        """Return what it gives one of several kinds that are run one after the other.

        Raises
        ------
        SettingError
            If it is a run of none of them, or names something that is none of them.
        """
        if self.kind:
            if self.kind not in kinds:
                self.check_kind(kind)
            return self.values if self.kind == kind else {}
        if len(kinds) == 1 and kind not in self.values:
            return self.values
        if others := [name for name in self.values if name not in kinds]:
            raise SettingError(
                f"--config {self.path}: {others[0]} is none of {', '.join(kinds)}; give each of "
                f"them a table of its own, [{kind}]"
            )
        values = self.values.get(kind, {})
        if not isinstance(values, dict):
            raise SettingError(f"--config {self.path}: {kind} is to be a table, [{kind}]")
        return values


def configure(
    kind: type[Kind],
    preset: str = "",
    file: ConfigFile | None = None,
    settings: Sequence[str] = (),
    beside: Sequence[str] = (),
    boards: Sequence[str] = (),
) -> Any:
    """Return the settings of a kind: of a preset, then of chips, a file, and `settings`.

    Parameters
    ----------
    kind, preset
        Of what; without a preset the usual one.
    file
        As `read_config` returns it.
    settings
        `key=value`. Where several kinds are run, each takes those that it has.
    beside
        Names of all kinds that are run, where there are several.
    boards
        URLs of the arrays, whose chips may have settings of their own (`chip_settings`).

    Raises
    ------
    SettingError
        If anything given is wrong.
    """
    config = kind.make_config(preset)
    known = setting_names(config)
    of_chip = chip_settings(boards, settings)
    config = apply_settings(config, [one for one in of_chip if one.partition("=")[0] in known])
    if file is not None:
        values = file.values_of(kind.name, beside or [kind.name])
        config = merge_settings(config, values, f"--config {file.path}")
    if len(beside) > 1:
        settings = [one for one in settings if one.partition("=")[0].strip() in known]
    return apply_settings(config, settings)


def read_config(path: Path) -> ConfigFile:
    """Read the settings of a run file, or of a TOML file.

    Raises
    ------
    SettingError
        If the file cannot be read, is neither, or has no settings.
    """
    try:
        require_file(path)
        with path.open("rb") as file:
            is_run = file.read(4) == _HDF5
        if not is_run:
            return ConfigFile(path, tomllib.loads(path.read_text(encoding="utf-8-sig")))
        run = open_run(path)
    except OSError as error:
        raise SettingError(f"--config {path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(
            f"--config {path}: neither a run file nor TOML (train.lr = 0.02): {error}"
        ) from error
    except DataError as error:
        raise SettingError(f"--config {error}") from error
    if not run.settings:
        raise SettingError(f"--config {path}: a run of {run.kind} has no settings")
    return ConfigFile(path, _with_limits(run), run.kind, run.preset)


def _with_limits(run: Run) -> dict[str, Any]:
    """Return the settings of a run, with limits that came from the file of its board's chip."""
    found = recorded_limits(run)
    if found is None:
        return dict(run.settings)
    given = dict(run.settings.get("limits") or {})
    chip = LimitChanges.model_validate((run.settings.get("chip") or {}).get("limits") or {})
    expected = LimitChanges.model_validate(given).over(chip.over(Limits()))
    others = {k: v for k, v in asdict(found).items() if v != getattr(expected, k)}
    return {**run.settings, "limits": given | others} if others else dict(run.settings)
