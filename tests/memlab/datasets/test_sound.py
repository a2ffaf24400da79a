"""Recordings in two layouts, and their mel bands."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from memlab.datasets import LogMel, load_series
from memlab.datasets.sound import list_recordings
from memlab.errors import DataError

RATE = 8000


def tone(path: Path, frequency: float, seconds: float = 0.2, rate: int = RATE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(round(seconds * rate)) / rate
    wavfile.write(path, rate, np.round(9000 * np.sin(2 * np.pi * frequency * time)).astype("<i2"))


def test_the_bands_of_a_tone_peak_where_the_tone_is(tmp_path: Path) -> None:
    mel = LogMel(bands=20)
    frequency = np.fft.rfftfreq(200, 1 / RATE)
    centres = frequency[mel.weights(frequency).argmax(axis=0)]
    for hertz in (300, 1000, 2600):
        tone(tmp_path / "tone.wav", hertz)
        bands = mel.read(tmp_path / "tone.wav")
        # 0.2 s hold 18 windows of 25 ms that begin every 10 ms.
        assert bands.shape == (18, 20)
        found = centres[bands.mean(axis=0).argmax()]
        assert found == pytest.approx(hertz, rel=0.15)
        assert bands.max() == 0
        assert bands.min() >= np.log(1e-6)


def test_mel_is_that_of_the_source() -> None:
    # O'Shaughnessy's formula gives 1000 mel at 1000 Hz.
    mel = LogMel(bands=1, highest=4000.0)
    edges = mel.edges()
    assert edges[0] == 0
    assert edges[-1] == pytest.approx(4000)
    assert 2595 * np.log10(1 + 1000 / 700) == pytest.approx(1000, abs=0.1)
    # One band: its middle is half of 2146 mel, 1113 Hz.
    assert edges[1] == pytest.approx(1113, abs=2)


def test_loudness_and_the_way_of_storing_make_no_difference(tmp_path: Path) -> None:
    time = np.arange(1600) / RATE
    sound = 0.5 * np.sin(2 * np.pi * 440 * time)
    kinds = {
        "i2": np.round(sound * 2**15).astype("<i2"),
        "i4": np.round(sound * 2**31).astype("<i4"),
        "f4": sound.astype("<f4"),
        "u1": np.round(128 + sound * 127).astype("u1"),
        "stereo": np.stack([sound, sound], axis=1).astype("<f4"),
    }
    bands = {}
    for name, samples in kinds.items():
        wavfile.write(tmp_path / f"{name}.wav", RATE, samples)
        bands[name] = LogMel(floor=1e-2).read(tmp_path / f"{name}.wav")
    for name in kinds:
        np.testing.assert_allclose(bands[name], bands["f4"], atol=0.05)


def test_silence_and_a_click_are_recordings_too(tmp_path: Path) -> None:
    wavfile.write(tmp_path / "silence.wav", RATE, np.zeros(400, "<i2"))
    assert not LogMel().read(tmp_path / "silence.wav").any()
    wavfile.write(tmp_path / "click.wav", RATE, np.array([0, 9000, 0], "<i2"))
    assert LogMel().read(tmp_path / "click.wav").shape == (1, 16)


def test_free_spoken_digits_hold_out_the_first_five_of_everybody(tmp_path: Path) -> None:
    for label, speaker, number in ((3, "ann", 4), (3, "ann", 5), (7, "bob_b", 0), (7, "bob_b", 12)):
        tone(tmp_path / "recordings" / f"{label}_{speaker}_{number}.wav", 300 + 100 * label)
    series = load_series("spoken-digits", tmp_path)
    assert series.classes == ("3", "7")
    assert series.test("given", 1).tolist() == [True, False, True, False]
    assert series.group is not None
    assert series.group.tolist() == [0, 0, 1, 1]


def test_speech_commands_have_a_folder_for_each_word(tmp_path: Path) -> None:
    for word in ("yes", "no", "_background_noise_"):
        for speaker in ("a1", "b2"):
            tone(tmp_path / word / f"{speaker}_nohash_0.wav", 500)
    (tmp_path / "testing_list.txt").write_text("yes/b2_nohash_0.wav\nno/b2_nohash_0.wav\n")
    found = list_recordings(tmp_path)
    assert [(one.label, one.speaker, one.test) for one in found] == [
        ("no", "a1", False),
        ("no", "b2", True),
        ("yes", "a1", False),
        ("yes", "b2", True),
    ]
    assert load_series("words", tmp_path).classes == ("no", "yes")
    (tmp_path / "testing_list.txt").write_bytes(b"yes/\xff.wav")
    with pytest.raises(DataError, match=r"testing_list\.txt: 'utf-8'"):
        list_recordings(tmp_path)
    (tmp_path / "testing_list.txt").unlink()
    assert load_series("words", tmp_path).test_given is None


def test_recordings_that_cannot_be_are_refused(tmp_path: Path) -> None:
    tone(tmp_path / "slow.wav", 300, rate=4000)
    with pytest.raises(DataError, match="4000 samples per second"):
        LogMel().read(tmp_path / "slow.wav")
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(DataError, match=r"text\.wav"):
        LogMel().read(tmp_path / "text.wav")
    wavfile.write(tmp_path / "empty.wav", RATE, np.zeros(0, "<i2"))
    with pytest.raises(DataError, match="no sound"):
        LogMel().read(tmp_path / "empty.wav")
    with pytest.raises(DataError, match=r"LABEL_SPEAKER_NUMBER\.wav"):
        load_series("any", tmp_path)
    tone(tmp_path / "good.wav", 300)
    with pytest.raises(DataError, match="fewer bands"):
        LogMel(bands=200).read(tmp_path / "good.wav")


def test_a_recording_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.wav"
    tone(path, 300)
    whole = path.read_bytes()
    path.write_bytes(whole[:60])
    with pytest.raises(DataError, match=r"cut\.wav is cut off: .* 3200 bytes of sound, and 16 are"):
        LogMel().read(path)
    path.write_bytes(whole[:40] + (10**9).to_bytes(4, "little") + whole[44:])
    with pytest.raises(DataError, match="1000000000 bytes of sound, and 3200 are there"):
        LogMel().read(path)
    for size in range(44):  # every cut of the header
        path.write_bytes(whole[:size])
        said = "as a WAV file" if size < 4 else f"ends after {size} bytes, before any sound"
        with pytest.raises(DataError, match=rf"cut\.wav .*{said}"):
            LogMel().read(path)
    note = b"LIST" + (3).to_bytes(4, "little") + b"abc\0"  # padded to an even number
    path.write_bytes(whole[:36] + note + whole[36:-1])
    with pytest.raises(DataError, match="3200 bytes of sound, and 3199 are there"):
        LogMel().read(path)
    path.write_bytes(whole[:36] + note + whole[36:])
    assert LogMel().read(path).shape == (18, 16)
    large = b"ds64" + (28).to_bytes(4, "little") + bytes(8) + (3200).to_bytes(8, "little")
    head = b"RF64\xff\xff\xff\xffWAVE" + large + bytes(12) + whole[12:40] + b"\xff\xff\xff\xff"
    path.write_bytes(head + whole[44:-2])
    with pytest.raises(DataError, match="3200 bytes of sound, and 3198 are there"):
        LogMel().read(path)


def test_samples_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    for wrong in (np.nan, np.inf, 1e300):
        wavfile.write(tmp_path / "wrong.wav", RATE, np.array([0, wrong, 0], "<f8"))
        with pytest.raises(DataError, match=r"wrong\.wav has samples"):
            LogMel().read(tmp_path / "wrong.wav")


@pytest.mark.skipif(os.name != "posix", reason="names of files are bytes")
def test_a_recording_whose_name_is_no_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"y\xffs_me_0.wav")
    try:
        tone(path, 300)
    except OSError:
        pytest.skip("this file system has no such names")
    with pytest.raises(DataError, match=r"y\\xffs_me_0\.wav: this name is not UTF-8"):
        list_recordings(tmp_path)


@pytest.mark.slow
def test_spoken_words_of_espeak_are_told_apart(tmp_path: Path) -> None:
    """Ten words in nine voices and speeds: nearest neighbours find two thirds and more."""
    if shutil.which("espeak-ng") is None:
        pytest.skip("no espeak-ng here")
    words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    for number, (pitch, speed) in enumerate((p, s) for p in (30, 50, 70) for s in (140, 170, 200)):
        for digit, word in enumerate(words):
            path = tmp_path / f"{digit}_p{pitch}s{speed}_{number}.wav"
            command = ["espeak-ng", "-p", str(pitch), "-s", str(speed), "-w", str(path), word]
            subprocess.run(command, check=True)
    series = load_series("any", tmp_path)
    x = series.frames(steps=12).transpose(1, 0, 2).reshape(len(series.x), -1)
    test = series.test("given", 1)
    distance = ((x[test][:, None] - x[~test][None]) ** 2).sum(axis=-1)
    guess = series.y[~test][distance.argmin(axis=1)]
    assert np.mean(guess == series.y[test]) > 0.66
