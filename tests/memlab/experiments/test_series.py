"""The experiment on labelled series, on series made for the test."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile
from support.command import in_process

from memlab import open_run
from memlab.array.urls import open_array
from memlab.errors import DataError
from memlab.experiments.series import PRESETS, SeriesKind
from memlab.settings import apply_settings


def write_set(folder: Path, lengths: tuple[int, ...] = (12,)) -> Path:
    """Write sine waves of two channels in three classes, one twice as often as the others."""
    rng = np.random.default_rng(1)
    for part, count in (("TRAIN", 40), ("TEST", 20)):
        lines = ["@timestamps false", "@classLabel true slow mid fast", "@data"]
        for k in range(count):
            which = (0, 0, 1, 2)[k % 4]
            time = np.arange(lengths[k % len(lengths)])
            wave = np.sin((which + 0.5) * time) + 0.2 * rng.normal(size=time.size)
            channels = (wave, 5 + 3 * np.cos((which + 0.5) * time))
            text = ":".join(",".join(f"{v:.4f}" for v in one) for one in channels)
            lines.append(f"{text}:{('slow', 'mid', 'fast')[which]}")
        (folder / f"Waves_{part}.ts").write_text("\n".join(lines) + "\n")
    return folder / "Waves_TRAIN.ts"


def test_series_are_learnt_beside_the_answer_of_the_majority(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_set(tmp_path, (12, 9))
    command = ["train", "series", "--data", str(path), "--epochs", "6", "--quiet"]
    settings = ["--set", "data.steps=4", "--set", "data.values=2", "--set", "train.lr=0.03"]
    out = ["--out", str(tmp_path / "run.h5")]
    code, said, _ = in_process(capsys, *command, *settings, *out)
    assert code == 0
    assert "the class most frequent in training alone: test 50.00%" in said
    run = open_run(tmp_path / "run.h5")
    assert run.metrics["majority_test_accuracy"] == 0.5
    assert run.metrics["test_accuracy"] > 0.7


def test_channels_are_standardised_with_the_training_series_before_they_get_zeros(
    tmp_path: Path,
) -> None:
    settings = [f"data.path={write_set(tmp_path, (12, 9))}", "data.steps=0", "data.values=1"]
    config = apply_settings(PRESETS["ecg"](), settings)
    task = SeriesKind.make(config, [open_array("ideal:")]).task
    assert task.x_train.shape == (12, 40, 2)
    assert not task.x_train[:3, 1::2].any()  # the short ones
    values = np.concatenate(
        [task.x_train[:, ::2].reshape(-1, 2), task.x_train[3:, 1::2].reshape(-1, 2)]
    )
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(values.std(axis=0), 1)
    assert task.classes == ("fast", "mid", "slow")


def made(path: Path) -> None:
    settings = [f"data.path={path}", "data.steps=4", "data.values=1"]
    SeriesKind.make(apply_settings(PRESETS["ecg"](), settings), [open_array("ideal:")])


def test_values_too_large_to_be_standardised_are_refused(tmp_path: Path) -> None:
    path = write_set(tmp_path)
    text = path.read_text()
    first = text.splitlines()[3].split(",")[0]
    path.write_text(text.replace(first, "1e308", 1))
    with pytest.raises(DataError, match=r"too large .* up to 1e\+308; scale them first"):
        made(path)


def test_a_class_that_only_the_test_has_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_set(tmp_path)
    made(path)
    assert not caplog.messages
    text = path.read_text().splitlines()
    path.write_text("\n".join(line for line in text if not line.endswith(":mid")) + "\n")
    made(path)
    assert caplog.messages == ["class mid is in the test series only: it cannot be learnt"]


def test_recordings_are_shown_as_mel_bands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for k in range(24):
        time = np.arange(1600) / 8000
        sound = np.sin(2 * np.pi * (300 + 700 * (k % 2)) * time)
        wavfile.write(tmp_path / f"{k % 2}_me_{k}.wav", 8000, (9000 * sound).astype("<i2"))
    command = [
        "train",
        "series",
        "--preset",
        "spoken-digits",
        "--data",
        str(tmp_path),
        "--epochs",
        "1",
    ]
    command += ["--set", "sound.bands=5"]
    out = ["--quiet", "--out", str(tmp_path / "run.h5")]
    assert in_process(capsys, *command, *out)[0] == 0
    assert open_run(tmp_path / "run.h5").findings.values["test_accuracy"].n == 5
    # Five bands, 16 units and a bias in pairs.
    assert open_run(tmp_path / "run.h5").codes["lstm"].dac_code.shape[1] == 2 * (5 + 16 + 1)
