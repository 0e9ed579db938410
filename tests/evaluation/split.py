"""Which papers may be learnt from, and which only tell how well it went."""

import hashlib
from typing import Literal

Part = Literal["development", "test"]
PARTS: tuple[Part, ...] = ("development", "test")


def part_of(key: str, test: float = 0.5) -> Part:
    """The part that a paper (by its file's name without suffixes) or a string (by itself) belongs to, for good.

    Told by its hash, so that nobody chose it and a file that comes later moves no other. `test` is the share that is set
    aside: half of the few papers, a fifth of the many examples that models learn from. Rules and models are made and
    chosen on `development` alone. A set with an official split keeps that.
    """
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big")
    return "test" if number < test * 2**32 else "development"
