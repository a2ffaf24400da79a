"""`memlab chip new`."""

from __future__ import annotations

import json
from pathlib import Path

import rich_click as click

from memlab.cli.command import Command
from memlab.cli.options import NEW, json_option
from memlab.cli.streams import tell
from memlab.emulator.chip_template import SCHEMA_NAME, chip_schema, chip_template
from memlab.errors import SettingError
from memlab.storage import write_new, write_over


@click.command(cls=Command)
@click.argument("file", type=NEW)
@click.option(
    "--chip",
    default="ta-hfo2",
    show_default=True,
    help="Preset that it starts from, for example fresh-ta-hfo2.",
)
@json_option
def new(file: Path, chip: str, as_json: bool) -> None:
    """Write the file of a chip of your own: what is not changed in it is as in a preset.

    FILE ends in .toml. Beside it lies memlab-chip.schema.json, by which editors check it. Use it as
    emulator:?chip=FILE, --set chip=FILE, or memlab board serve --chip FILE; its limits, budgets and
    operating point hold for every command.
    """
    if file.suffix != ".toml":
        raise SettingError(f"{file}: the file of a chip ends in .toml; for example my-chip.toml")
    text, schema = chip_template(chip), json.dumps(chip_schema(), indent=1)
    write_new(file, lambda stream: stream.write(text.encode()))
    write_over(file.with_name(SCHEMA_NAME), lambda stream: stream.write(schema.encode()))
    document = {"file": str(file), "schema": str(file.with_name(SCHEMA_NAME)), "chip": chip}
    text = f"{file}, and {SCHEMA_NAME} beside it; edit it, then emulator:?chip={file}"
    tell(document, as_json, lambda _: [text])
