"""A reader a format: a file's bytes in, its text with its structure out.

Each format's module is imported when a file of it comes, so that a text file does not pay for PDFium, or by `load_all`.
"""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from app.domain.errors import PaperProcessingError, ReadError, UnsupportedTypeError
from app.extraction import content_type as types
from app.extraction.readers.draft import MAX_BLOCKS, MAX_CHARACTERS

if TYPE_CHECKING:
    from app.domain.knowledge import Reading
    from app.extraction.readers.draft import Draft

__all__ = ["MAX_BLOCKS", "MAX_CHARACTERS", "OnPage", "load_all", "read", "read_json"]

OnPage = Callable[[int, int], None]
"""Called after each page: how many are read, of how many."""

_MODULES = {
    types.PDF: "pdf",
    types.DOCX: "docx",
    types.JATS: "jats",
    types.TEI: "tei",
    types.HTML: "html",
    types.LATEX: "latex",
    types.MARKDOWN: "markdown",
    types.TEXT: "text",
}


class _CallerError(BaseException):
    """What `on_progress` raised: the caller's business, not the file's."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


def read(data: bytes, content_type: str, on_progress: OnPage) -> "Reading":
    """The file's text with its structure. `on_progress(done, total)` counts pages, 1 of 1 where there are none.

    Raises `ReadError` for a file that cannot be read (also when a parser stumbles over it), `UnsupportedTypeError` for a
    content type without a reader, `MemoryError`, and whatever `on_progress` raises. Pure: touches nothing outside `data`.
    """
    answer = read_json(data, content_type, on_progress)
    from app.domain.knowledge import Reading  # noqa: PLC0415  # needs pydantic, which a child process does without

    return Reading.model_validate_json(answer)


def load_all() -> None:
    """Import every format's module, and what it needs, before any file comes."""
    for name in _MODULES.values():
        import_module(f"{__name__}.{name}")


def read_json(data: bytes, content_type: str, on_progress: OnPage) -> str:
    """`read`, with the `Reading` as JSON."""

    def report(done: int, total: int) -> None:
        try:
            on_progress(done, total)
        except Exception as error:
            raise _CallerError(error) from error

    if content_type not in _MODULES:
        raise UnsupportedTypeError
    reader = import_module(
        f"{__name__}.{_MODULES[content_type]}"
    )  # out here: if this fails, it is not the file's fault
    try:
        draft: Draft = reader.read(data, report)
        return draft.as_json()
    except _CallerError as caller:
        raise caller.error from None
    except (PaperProcessingError, MemoryError):
        raise
    except Exception as error:
        raise ReadError("unreadable", "The file is damaged, or not quite of the type it says it is.") from error
