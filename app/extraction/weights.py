"""The models of lines, names and citation strings that ship, ready to tag."""

import lzma
from functools import cache
from importlib.resources import files

import pycrfsuite


def tagger(name: str) -> pycrfsuite.Tagger:
    """One of one's own: shared between threads it would mix their words. Opening takes microseconds."""
    own = pycrfsuite.Tagger()
    own.open_inmemory(_weights(name))
    return own


@cache
def _weights(name: str) -> bytes:
    """Kept for good: a tagger does not hold on to the bytes it reads from."""
    found = (files("app.extraction") / "models" / name).read_bytes()
    return lzma.decompress(found) if name.endswith(".xz") else found
