"""Change the code in small ways, and see whether the tests notice (docs/developers.md).

    python -m tests.mutation                # 300 mutants, seed 1, two cores, at most an hour
    python -m tests.mutation --mutants 30 --seed 7 --only mapping
    python -m tests.mutation --list         # what would be changed, and nothing run

Exit codes: 0 nine of ten mutants were killed, 1 fewer, or the time was not enough, 2 the tests fail
without any mutant.
"""

from __future__ import annotations

import argparse
import sys
import time
import tomllib
from collections import Counter
from pathlib import Path

from tests.mutation.campaign import Campaign
from tests.mutation.mutants import draw
from tests.mutation.targets import Targets

ROOT = Path(__file__).parents[2]
ENOUGH = 0.9
"""Share of the mutants that must be killed."""


def main() -> int:
    """Run what is named on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mutants", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=60.0, help="at most")
    parser.add_argument("--only", default="", help="only modules whose paths hold this")
    parser.add_argument("--again", type=Path, help="only what survived, by an output of before")
    parser.add_argument("--after", type=Path, help="only what an output of before does not have")
    parser.add_argument("--list", action="store_true", help="run nothing")
    given = parser.parse_args()
    began = time.monotonic()
    targets = Targets.load(
        tomllib.loads((Path(__file__).parent / "targets.toml").read_text()), ROOT
    )
    text = {
        name: (ROOT / name).read_text("utf-8") for name in targets.modules if given.only in name
    }
    mutants, places = draw(text, given.mutants, given.seed)
    for told, file in (("SURVIVED", given.again), ("", given.after)):
        if file is not None:
            lines = [line.split(": ")[0].split() for line in file.read_text("utf-8").splitlines()]
            found = {tuple(one[1:]) for one in lines if len(one) == 3 and told in ("", one[0])}
            mutants = [
                one
                for one in mutants
                if ((f"{one.module}:{one.line}", one.operator) in found) == bool(told)
            ]
    print(f"{len(mutants)} mutants of {places} places in {len(text)} modules, seed {given.seed}")
    if given.list:
        for one in mutants:
            print(
                f"{one.module}:{one.line} {one.operator}:", *one.shown(text[one.module]), sep="  "
            )
        return 0
    campaign = Campaign(ROOT, mutants, text, targets)
    campaign.run(given.workers, began + 60.0 * given.minutes)
    if campaign.failing:
        print("without any mutant these fail:", *campaign.failing)
        return 2
    return report(campaign, len(mutants), time.monotonic() - began)


def report(campaign: Campaign, asked: int, seconds: float) -> int:
    """Print the sums, and return the exit code."""
    killed, survived = campaign.killed, campaign.survived
    equal = len(campaign.equal())
    tried = Counter(Path(one.module).parent for one in killed + survived)
    dead = Counter(Path(one.module).parent for one in killed)
    print("", *(f"{dead[one]:>4} of {tried[one]:<4} {one}" for one in sorted(tried)), sep="\n")
    total = len(killed) + len(survived) - equal
    share = len(killed) / total if total else 0.0
    print(
        f"{len(killed)} of {total} killed ({100 * share:.1f} %) in {seconds / 60:.1f} minutes; "
        f"{equal} more do what the code does; {asked - total - equal} not tried"
    )
    return int(share < ENOUGH or total + equal < asked)


if __name__ == "__main__":
    sys.exit(main())
