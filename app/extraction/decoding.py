"""Bytes to text, whatever they are encoded in."""

import codecs
from itertools import pairwise

SAMPLE = 65_536
"""Bytes that are looked at to guess an encoding nobody declared."""
# Longest first: UTF-32's mark begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CANDIDATES = ["cp1252", "cp1250", "cp1251", "koi8_r", "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr"]
_ESCAPES_OF_TEXT = frozenset(b"\t\n\x0b\x0c\r\x1b\x85")
_CONTROLS = bytes(byte for byte in range(0x20) if byte not in _ESCAPES_OF_TEXT) + b"\x7f"
_MAX_CONTROLS = 0.01
"""Of the bytes of a text: some tools leave a few control characters behind."""


def decode(data: bytes, declared: str | None = None) -> str:
    """The text, without its byte order mark. Never fails: what no encoding explains becomes U+FFFD."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, errors="replace")
    for encoding in filter(None, (declared, "utf-8")):
        try:
            return data.decode(encoding)
        except (ValueError, LookupError):  # not in this encoding, or no such encoding
            continue
    return data.decode(_guess(data[:SAMPLE]), errors="replace")


def decode_head(head: bytes) -> str | None:
    """The beginning of a text, or None when these bytes are no text. The last character may be cut in two."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return _tolerant(head[len(mark) :], encoding)
    if wide := _unmarked_utf16(head):
        return _tolerant(head, wide)
    controls = sum(head.count(byte) for byte in _CONTROLS)
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return None if controls else head.decode(_guess(head), errors="replace")
    return None if controls > _MAX_CONTROLS * len(head) else text


def _tolerant(head: bytes, encoding: str) -> str | None:
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return None
    controls = sum(text.count(chr(byte)) for byte in _CONTROLS)
    return None if controls > _MAX_CONTROLS * max(len(text), 1) else text


def _guess(sample: bytes) -> str:
    if wide := _unmarked_utf16(sample):
        return wide
    from charset_normalizer import from_bytes  # noqa: PLC0415  # slow to import, and most texts are UTF-8

    # Short samples make it see Chinese in French; Western European is by far the likeliest.
    best = from_bytes(sample, cp_isolation=_CANDIDATES).best()
    if best is None or (_mostly_ascii(sample) and not _cyrillic(sample, best.encoding)):
        return "cp1252"
    return best.encoding


def _mostly_ascii(sample: bytes) -> bool:
    return sum(byte > 0x7F for byte in sample) < 0.2 * len(sample)


def _cyrillic(sample: bytes, encoding: str) -> bool:
    """Whether high bytes come in words, as in no Western European language."""
    together = sum(a > 0x7F and b > 0x7F for a, b in pairwise(sample))
    return encoding in {"cp1251", "koi8_r"} and together > 0.5 * sum(byte > 0x7F for byte in sample)


def _unmarked_utf16(head: bytes) -> str | None:
    """UTF-16 of a text that is mostly ASCII shows as zeros in every other byte."""
    sample = head[: len(head) // 2 * 2][:4096]
    if len(sample) < 8:
        return None
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    if odd > 0.6 * half and even < 0.05 * half:
        return "utf-16-le"
    if even > 0.6 * half and odd < 0.05 * half:
        return "utf-16-be"
    return None
