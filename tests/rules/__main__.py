"""`make rules`: takes each rule out of the code in turn and sees its tests fail; 1 when one does not."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.prove.runner import control, copies, edited, notices, warm_up
from tests.rules.table import PAGE, RULES, homes, write_page


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="make rules", description=__doc__)
    parser.add_argument("-k", metavar="TEXT", default="", help="only rules with this in their text, file or tests")
    parser.add_argument("--write", action="store_true", help=f"write the table to {PAGE}")
    options = parser.parse_args(arguments)
    if options.write:
        write_page()
    rules = [rule for rule in RULES if options.k in f"{rule.text} {rule.path} {rule.tests}"]
    if not rules:
        parser.error(f"no rule has {options.k!r} in it")
    home = homes()
    unnoticed = 0
    warm_up()
    with copies(Path.cwd(), 1) as [copy]:
        for rule in rules:
            began = time.monotonic()
            with edited(copy / rule.path, rule.take_out(copy)):
                passed = [test for test in rule.tests if not notices(copy, home[test])]
            unnoticed += len(passed)
            print(f"{time.monotonic() - began:6.1f} s  {rule.text}", flush=True)
            for test in rule.tests:
                print(f"          {'PASSES WITHOUT IT' if test in passed else 'fails'}: {test}", flush=True)
        flawed = control(copy, sorted({home[test] for rule in rules for test in rule.tests}))
    for test in flawed:
        print(f"fails with every rule in place: {test}")
    print(
        f"{len(rules)} rules taken out in turn; {unnoticed} tests passed without theirs, {len(flawed)} failed with all."
    )
    return 1 if unnoticed or flawed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
