"""What the tests of the readers share."""

from app.domain.errors import ReadError
from app.domain.knowledge import BlockKind, Reading
from app.extraction import readers


def read(data: bytes, content_type: str) -> Reading:
    """The reading, checked for what must be true of any."""
    reading = readers.read(data, content_type, lambda done, total: None)
    check(reading)
    return reading


def read_or_refused(data: bytes, content_type: str) -> Reading | ReadError:
    """Either a sound reading, or a reason in a sentence: whatever the file, nothing else may come of it."""
    try:
        return read(data, content_type)
    except ReadError as refused:
        if not (refused.code in ReadError.CODES and refused.detail.endswith(".")):
            raise AssertionError(f"no reason, or no sentence: {refused.code} {refused.detail!r}") from refused
        return refused


def check(reading: Reading) -> None:
    """Spans are exact: put together with blank lines between them, the blocks are the text."""
    assert "\n\n".join(reading.text[block.start : block.end] for block in reading.blocks) == reading.text
    end = -2
    for block in reading.blocks:
        assert block.start == end + 2
        assert block.end > block.start
        assert 1 <= block.page <= reading.pages
        words = reading.text[block.start : block.end]
        assert words == words.strip()
        assert "\n\n" not in words
        assert all(character >= " " or character == "\n" for character in words)
        end = block.end


def blocks(reading: Reading, kind: BlockKind | None = None) -> list[str]:
    """The blocks' text, of one kind or of all."""
    return [reading.text[b.start : b.end] for b in reading.blocks if kind is None or b.kind is kind]


def headings(reading: Reading) -> list[tuple[int, str]]:
    """Each heading with its level."""
    return [(b.level, reading.text[b.start : b.end]) for b in reading.blocks if b.kind is BlockKind.HEADING]
