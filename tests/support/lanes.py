"""Files of which a run takes no test at all: they are not even imported, which took a quarter of the fast lane's start."""

import re

ONE = r"pytest\.mark\.(\w+)"
ALL_ARE = re.compile(rf"^pytestmark = (?:{ONE}|\[([^\]]*)\])(?: +#.*)?$", re.MULTILINE)
MARK = re.compile(ONE)
LEAVES_OUT = re.compile(r"not (\w+)")


def marks_of_all(source: str) -> set[str]:
    """What all tests of a file are marked with, by name alone: a mark with arguments may hold others."""
    all_are = ALL_ARE.search(source)
    if all_are is None:
        return set()
    one, several = all_are.groups()
    return {one} if one else {mark[1] for part in several.split(",") if (mark := MARK.fullmatch(part.strip()))}


def marks_left_out(expression: str, *, live: bool) -> set[str]:
    """Marks of which a run with `-m expression` takes no test; more than a row of `not` is left to pytest."""
    unfit = "in_process" if live else "live"
    parts = [LEAVES_OUT.fullmatch(part) for part in expression.split(" and ")]
    return {unfit, *(part[1] for part in parts if part)} if all(parts) else {unfit}
