"""Write every generated file; with --check only compare, and exit 1 when one would change.

Run as `python -m firmware_protocol.generate [--check]`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from firmware_protocol.generator.c import c_source
from firmware_protocol.generator.python import python_source
from firmware_protocol.generator.reference import reference_page
from firmware_protocol.generator.spec import SPEC_DIRECTORY, Spec, load_spec


def outputs(spec: Spec) -> Iterator[tuple[Path, str]]:
    """Yield path and text of every generated file.

    The golden vectors are made with messages.py itself: they come last, and are imported late.
    """
    yield SPEC_DIRECTORY.parent / "messages.py", python_source(spec)
    yield SPEC_DIRECTORY / "mlp_gen.h", c_source(spec)
    yield SPEC_DIRECTORY / "protocol_reference.md", reference_page(spec)
    from firmware_protocol.generator.golden import golden_json

    yield SPEC_DIRECTORY / "golden.json", golden_json(spec)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the generator; return the exit code."""
    parser = argparse.ArgumentParser(description="Generate code from spec/mlp.toml.")
    parser.add_argument("--check", action="store_true", help="only compare, exit 1 on a difference")
    check = parser.parse_args(arguments).check
    stale = []
    for path, text in outputs(load_spec()):
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path.name)
        if not check:
            path.write_text(text, encoding="utf-8", newline="\n")
    for name in stale:
        print(f"{'out of date' if check else 'wrote'}: {name}", file=sys.stderr)
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
