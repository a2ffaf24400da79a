"""Print the table of procedures at all their settings (see `harness`)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.memlab.characterize.off_grid.harness import SEEDS, judge, run_setting
from tests.memlab.characterize.off_grid.table import TABLE


def main() -> None:
    """Run what is named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("procedure", nargs="*", choices=[[], *TABLE], help="all by default")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--setting", default="", help="only settings whose names hold this")
    given = parser.parse_args()
    wrong = total = 0
    for name in given.procedure or TABLE:
        for setting in TABLE[name]:
            if given.setting not in setting.name:
                continue
            seeds = range(given.first, given.first + given.seeds)
            cases, seconds = run_setting(name, setting, seeds)
            verdicts = [judge(case) for case in cases]
            wrong, total = wrong + sum(bool(v.wrong) for v in verdicts), total + len(verdicts)
            print(*verdicts, f"{'':<13} {setting.name}: {seconds:.1f} s", sep="\n", flush=True)
    print(f"{wrong} of {total} cases outside")


if __name__ == "__main__":
    main()
