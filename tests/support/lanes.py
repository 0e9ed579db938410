"""Files of which a run takes no test at all: they are not even imported, which took a quarter of the fast lane's start."""

import re

ALL_ARE = re.compile(r"^pytestmark = (\[[^\]]*\]|.+)$", re.MULTILINE)
MARK = re.compile(r"pytest\.mark\.(\w+)")
LEAVES_OUT = re.compile(r"not (\w+)")


def marks_of_all(source: str) -> set[str]:
    """What all tests of a file are marked with."""
    all_are = ALL_ARE.search(source)
    return set(MARK.findall(all_are[1])) if all_are else set()


def marks_left_out(expression: str, *, live: bool) -> set[str]:
    """Marks of which a run with `-m expression` takes no test; more than a row of `not` is left to pytest."""
    unfit = "in_process" if live else "live"
    parts = [LEAVES_OUT.fullmatch(part) for part in expression.split(" and ")]
    return {unfit, *(part[1] for part in parts if part)} if all(parts) else {unfit}
