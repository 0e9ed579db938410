"""`make flakes`: the in-process lane again and again, each time in another order; which tests failed, how often, in which."""

import os
import re
import shlex
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from random import Random

FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+::.+?)(?: - .*)?$", re.MULTILINE)

Run = Callable[[int], tuple[int, str]]
"""Runs the suite in the order of that seed; the exit code, and what was printed."""


def run_suite(seed: int) -> tuple[int, str]:
    options = shlex.join([f"--randomly-seed={seed}", "--tb=no", "-rfE", *sys.argv[2:]])
    done = subprocess.run(
        ["make", "--no-print-directory", "test", f"ARGS={options}"], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def count_flakes(seeds: Iterable[int], run: Run) -> dict[str, list[int]]:
    """The seeds with which each test failed. A run that fails and names no test counts under its exit code."""
    flakes: dict[str, list[int]] = defaultdict(list)
    for number, seed in enumerate(seeds, 1):
        began = time.monotonic()
        code, printed = run(seed)
        failed = sorted(set(FAILED.findall(printed))) or ([f"exit code {code}"] if code else [])
        for name in failed:
            flakes[name].append(seed)
        last = printed.strip().rpartition("\n")[2]
        told = [f"round {number}, seed {seed}, {time.monotonic() - began:.0f} s: {last}", *failed]
        print("\n    ".join(told), flush=True)  # whoever watches for half an hour may look at the first at once
    return flakes


def main() -> int:
    rounds = int(sys.argv[1])
    random = Random(os.environ.get("SEED"))
    flakes = count_flakes([random.randrange(1 << 32) for _ in range(rounds)], run_suite)
    for name, seeds in sorted(flakes.items(), key=lambda flake: -len(flake[1])):
        print(f"{len(seeds)} of {rounds}: {name}\n    with the seeds {', '.join(map(str, seeds))}")
    print(f"{rounds} rounds, {len(flakes)} flaky tests")
    return 1 if flakes else 0


if __name__ == "__main__":
    sys.exit(main())
