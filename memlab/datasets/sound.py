"""Folders of short recordings, each of one word, and what a network is shown of them.

Two layouts: `{label}_{speaker}_{n}.wav` in one folder, as the Free Spoken Digit Dataset has it (Z.
Jackson et al., doi:10.5281/zenodo.1342401, CC BY-SA 4.0; recordings 0 to 4 of everybody are its
test), and `WORD/*.wav` as Speech Commands (Warden, arXiv:1804.03209, CC BY 4.0; the speaker stands
before `_nohash_`, and `testing_list.txt` names the test). Nothing is downloaded.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from memlab.datasets.store import check_name
from memlab.errors import DataError
from memlab.numeric import BoolArray, FloatArray

__all__ = [
    "LogMel",
    "Recording",
    "given_test",
    "has_recordings",
    "list_recordings",
    "speakers",
]

TEST_BELOW = 5
"""Numbers of the recordings that are the test of the Free Spoken Digit Dataset."""


LOUDEST = 1e100
"""Samples below it have powers that are finite."""


@dataclass(frozen=True)
class Recording:
    """One file: what is said, by whom, and whether it belongs to a given test (None: not said)."""

    path: Path
    label: str
    speaker: str
    test: bool | None


def has_recordings(folder: Path) -> bool:
    """Return whether a folder has recordings in either layout."""
    if any(_sounds(folder)) or any(_sounds(folder / "recordings")):
        return True
    return sum(any(_sounds(word)) for word in _folders(folder)) > 1


def list_recordings(folder: Path) -> list[Recording]:
    """Return the recordings of a folder in the order of their names.

    Raises
    ------
    DataError
        If a name says no label.
    """
    inner = folder / "recordings"
    here = sorted(_sounds(inner if any(_sounds(inner)) else folder))
    if here:
        return [_by_name(path) for path in here]
    named = folder / "testing_list.txt"
    try:
        test = set(named.read_text("utf-8").split()) if named.is_file() else None
    except ValueError as error:
        raise DataError(f"cannot read {named}: {error}") from error
    found = []
    for word in sorted(_folders(folder)):
        for path in sorted(_sounds(word)):
            check_name(path)
            speaker = path.stem.partition("_nohash_")[0]
            held = None if test is None else f"{word.name}/{path.name}" in test
            found.append(Recording(path, word.name, speaker, held))
    return found


def _sounds(folder: Path) -> Iterable[Path]:
    return (path for path in folder.glob("*") if path.suffix.lower() == ".wav")


def _folders(folder: Path) -> Iterable[Path]:
    """Yield the folders of words; `_background_noise_` is none."""
    return (path for path in folder.glob("*") if path.is_dir() and not path.name.startswith("_"))


def _by_name(path: Path) -> Recording:
    check_name(path)
    label, _, rest = path.stem.partition("_")
    speaker, _, number = rest.rpartition("_")
    if not label or not speaker or not number.isdigit():
        raise DataError(
            f"{path} is not named LABEL_SPEAKER_NUMBER.wav; else put each word into its own folder"
        )
    return Recording(path, label, speaker, int(number) < TEST_BELOW)


@dataclass(frozen=True)
class LogMel:
    """Logarithms of the power in triangular bands, evenly apart in mel.

    mel = 2595 log10(1 + f / 700) (O'Shaughnessy 1987); bands as in Davis and Mermelstein (IEEE
    TASSP 28, 1980), without their cosine transform; Hann windows.

    Parameters
    ----------
    bands
        How many.
    window, hop
        Length of a window, and from one to the next, in seconds.
    highest
        Upper end of the last band, in Hz; the first begins at 0.
    floor
        Power, as a part of the largest of a recording, below which all is alike: 1e-6 is 60 dB.
    """

    bands: int = 16
    window: float = 0.025
    hop: float = 0.010
    highest: float = 4000.0
    floor: float = 1e-6

    def read(self, path: Path) -> FloatArray:
        """Return the features of a recording, shape (windows, bands), in units of ln.

        Raises
        ------
        DataError
            If it is no WAV file, is cut off, or empty, or sampled too slowly for `highest`.
        """
        from scipy.io import wavfile

        _check_whole(path)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", wavfile.WavFileWarning)  # chunks that are no sound
                rate, samples = wavfile.read(path)
        except Exception as error:  # scipy has an error each for every damage of a header
            reason = " ".join(str(error).split()) or type(error).__name__
            raise DataError(f"cannot read {path} as a WAV file: {reason}") from error
        if not samples.size:
            raise DataError(f"{path} holds no sound")
        if 2 * self.highest > rate:
            raise DataError(
                f"{path} has {rate} samples per second, and sound up to {rate / 2:g} Hz; "
                f"{self.highest:g} Hz are asked for"
            )
        sound = np.asarray(samples, np.float64)
        if not (np.abs(sound) < LOUDEST).all():
            raise DataError(f"{path} has samples that are no sound: not finite, or beyond 1e100")
        if samples.dtype == np.uint8:  # zero lies in the middle of these alone
            sound -= 128.0
        return self.of(sound if sound.ndim == 1 else sound.mean(axis=1), rate)

    def of(self, sound: FloatArray, rate: float) -> FloatArray:
        """Return the features of samples, shape (windows, bands)."""
        size, hop = round(self.window * rate), max(1, round(self.hop * rate))
        sound = np.pad(sound, (0, max(0, size - sound.size)))
        windows = np.lib.stride_tricks.sliding_window_view(sound, size)[::hop]
        power = np.abs(np.fft.rfft(windows * np.hanning(size), axis=1)) ** 2
        energy = power @ self.weights(np.asarray(np.fft.rfftfreq(size, 1.0 / rate), np.float64))
        peak = energy.max()
        floor = self.floor * peak if peak > 0 else 1.0  # silence is silence at any level
        return np.asarray(np.log(np.maximum(energy, floor) / (peak or 1.0)))

    def edges(self) -> FloatArray:
        """Return where bands begin, peak and end (Hz), shape (bands + 2,): each ends two on."""
        mel = 2595.0 * np.log10(1.0 + self.highest / 700.0)
        return 700.0 * (10.0 ** (np.linspace(0.0, mel, self.bands + 2) / 2595.0) - 1.0)

    def weights(self, frequency: FloatArray) -> FloatArray:
        """Return what each band takes of each frequency (Hz), shape (frequencies, bands)."""
        edges = self.edges()
        low, middle, high = edges[:-2], edges[1:-1], edges[2:]
        at = frequency[:, np.newaxis]
        rise, fall = (at - low) / (middle - low), (high - at) / (high - middle)
        weights = np.maximum(0.0, np.minimum(rise, fall))
        if not weights.any(axis=0).all():
            raise DataError(
                f"{self.bands} bands up to {self.highest:g} Hz are narrower than a window of "
                f"{self.window:g} s resolves; choose fewer bands or a longer window"
            )
        return weights


def _check_whole(path: Path) -> None:
    """Refuse a WAV file that has less sound than its header says; others are for its reader.

    Chunks are a name of four bytes, a length, and so many bytes, padded to an even number (IBM and
    Microsoft, Multimedia Programming Interface 1.0, 1991). RF64 (EBU Tech 3306) has the length of
    the sound in the chunk ds64.
    """
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(0)
            kind = stream.read(12)[:4]
            if kind not in (b"RIFF", b"RIFX", b"RF64"):
                return
            order, large = (">" if kind == b"RIFX" else "<"), None
            while len(head := stream.read(8)) == 8:
                name, length = struct.unpack(f"{order}4sI", head)
                there = size - stream.tell()
                if name == b"data":
                    length = large if large is not None and length == 0xFFFFFFFF else length
                    if length > there:
                        raise DataError(
                            f"{path} is cut off: its header says {length} bytes of sound, and "
                            f"{there} are there"
                        )
                    return
                if name == b"ds64" and there >= 16:
                    large = struct.unpack("<8xQ", stream.read(16))[0]
                    length -= 16
                stream.seek(length + length % 2, 1)
            raise DataError(f"{path} is cut off: it ends after {size} bytes, before any sound")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error


def given_test(recordings: list[Recording]) -> BoolArray | None:
    """Return which recordings are the given test; None where none is given."""
    if any(one.test is None for one in recordings):
        return None
    test = np.array([one.test for one in recordings], bool)
    return test if 0 < test.sum() < test.size else None


def speakers(recordings: list[Recording]) -> npt.NDArray[np.intp]:
    """Return the number of the speaker of each recording."""
    return np.unique([one.speaker for one in recordings], return_inverse=True)[1]
