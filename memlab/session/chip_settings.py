"""What the files of chips say of the settings of a run, before the user does."""

from __future__ import annotations

from collections.abc import Sequence

from memlab.array.urls import chip_of_url
from memlab.emulator import ChipPreset, load_preset
from memlab.errors import SettingError

__all__ = ["chip_settings"]


def chip_settings(boards: Sequence[str], settings: Sequence[str]) -> tuple[str, ...]:
    """Return the operating point of the chips on these boards as settings, `point.KEY=VALUE`.

    Parameters
    ----------
    boards
        URLs.
    settings
        Of the user, of which the last `chip=NAME` names the chips whose URLs do not.

    Raises
    ------
    SettingError
        If a chip is none, or two chips have different operating points.
    """
    named = [text for key, _, text in (s.partition("=") for s in settings) if key.strip() == "chip"]
    chip = _preset(named[-1].strip()) if named else None
    found = {
        url: () if one is None else one.point.settings()
        for url in boards
        for one in (chip_of_url(url, chip),)
    }
    if len(set(found.values())) > 1:
        told = "; ".join(f"{url}: {' '.join(point) or 'as usual'}" for url, point in found.items())
        raise SettingError(f"these chips have different operating points and need one ({told})")
    return next(iter(found.values()), ())


def _preset(name: str) -> ChipPreset:
    try:
        return load_preset(name)
    except SettingError as error:
        raise SettingError(f"--set chip={name}: {error}") from error
