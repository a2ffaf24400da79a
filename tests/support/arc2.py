"""Opening the stand-in for an ArC TWO under its URL."""

from pathlib import Path
from uuid import uuid4

import pytest
from support.fake_arc2 import FakePyarc2

from drivers import arc2_board
from memlab.emulator import EmulatedBoard, load_preset


def new_chip() -> str:
    """Return a name that no other test has: a chip has one user on a computer."""
    return f"die-{uuid4().hex}"


def plug_in(
    patch: pytest.MonkeyPatch,
    directory: Path,
    gates: str = "selectors",
    chip: str = "ideal",
    shape: str = "32x32",
    options: str = "",
) -> tuple[FakePyarc2, str]:
    """Put a stand-in in the place of pyarc2; return it, and the URL that opens it."""
    preset = load_preset(chip).replace(shape=shape)
    rows, columns = arc2_board._read_mapping("")
    fake = FakePyarc2(EmulatedBoard(preset, 0), rows, columns, gates == "selectors")
    patch.setattr(arc2_board, "_pyarc2", lambda: fake)
    firmware = directory / "fw.bin"
    firmware.write_bytes(b"none")
    return fake, f"arc2:?firmware={firmware}&gates={gates}&chip={new_chip()}&timeout=0.05{options}"


class Several:
    """Several stand-ins behind one module, by the numbers of their instruments."""

    def __init__(self, fakes: list[FakePyarc2]) -> None:
        self.fakes = fakes

    def __getattr__(self, name: str) -> object:
        return getattr(self.fakes[0], name)

    def find_ids(self) -> list[int]:
        return list(range(len(self.fakes)))

    def Instrument(self, port: int, firmware: str) -> object:  # noqa: N802 - pyarc2's own word
        return self.fakes[port].Instrument(port, firmware)


def plug_in_several(
    patch: pytest.MonkeyPatch, directory: Path, count: int
) -> tuple[list[FakePyarc2], list[str]]:
    """Put so many stand-ins, each with a chip of its own, in the place of pyarc2."""
    fakes, urls = zip(*(plug_in(patch, directory) for _ in range(count)), strict=True)
    patch.setattr(arc2_board, "_pyarc2", lambda: Several(list(fakes)))
    return list(fakes), [f"{url}&id={k}" for k, url in enumerate(urls)]
