"""One tree of errors. Each has a stable `code` and a `detail` that says what to do."""

import errno
from typing import ClassVar


class PaperProcessingError(Exception):
    """The base: a `code` for programs and a `detail` for people."""

    code: ClassVar[str] = "internal_error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class NotFoundError(PaperProcessingError):
    """What was asked for is not here."""

    code = "not_found"


class ConflictError(PaperProcessingError):
    """The paper's present state does not allow it."""

    code = "conflict"


class InvalidError(PaperProcessingError):
    """The request itself is wrong."""

    code = "invalid_request"


class UnavailableError(PaperProcessingError):
    """A backing service does not answer."""

    code = "service_unavailable"


class StorageFullError(UnavailableError):
    """A disk has no room; what was accepted before is kept, and goes on when there is room again."""

    code = "storage_full"
    ERRNOS: ClassVar[frozenset[int]] = frozenset({errno.ENOSPC, errno.EDQUOT})


class PaperNotFoundError(NotFoundError):
    code = "paper_not_found"

    def __init__(self, paper_id: str) -> None:
        super().__init__(f"No paper has the id {paper_id[:80]!r}; GET /papers/ lists them.")


class PaperGoneError(PaperNotFoundError):
    """The paper was deleted; over HTTP this is the same as never having been.

    `told`: all its events, the last one too, are in the log.
    """

    def __init__(self, paper_id: str, *, told: bool = True) -> None:
        super().__init__(paper_id)
        self.told = told


class EntityNotFoundError(NotFoundError):
    code = "entity_not_found"

    def __init__(self, key: str) -> None:
        super().__init__(f"No entity in the graph has the key {key[:80]!r}; GET /papers/{{id}}/entities shows keys.")


class NotExtractedError(NotFoundError):
    code = "not_extracted"

    def __init__(self, what: str) -> None:
        super().__init__(f"This paper has no {what} yet; POST /papers/{{id}}/process, then watch it.")


class FileLostError(NotFoundError):
    """The paper is there, and its original is not: somebody or something else took it away."""

    code = "file_lost"

    def __init__(self) -> None:
        super().__init__(
            "The file of this paper is lost; restore it from a backup, or delete the paper and upload it again."
        )


class PaperBusyError(ConflictError):
    code = "paper_busy"

    def __init__(self, status: str) -> None:
        super().__init__(f"The paper is {status}; wait for its run to end, or POST /papers/{{id}}/cancel first.")


class PaperNotRunningError(ConflictError):
    code = "paper_not_running"

    def __init__(self, status: str) -> None:
        super().__init__(f"The paper is {status}: there is no run to cancel.")


class NotDeadLetterError(ConflictError):
    code = "not_a_dead_letter"

    def __init__(self, paper_id: str) -> None:
        super().__init__(
            f"Paper {paper_id[:80]} is no dead letter: its attempts did not run out; POST /papers/{{id}}/process runs it."
        )


class IllegalTransitionError(ConflictError):
    code = "illegal_transition"

    def __init__(self, before: str, after: str) -> None:
        super().__init__(f"A paper cannot go from {before} to {after}.")


class LeaseLostError(ConflictError):
    """The run, or the right to work on it, has moved on; whoever sees this stops."""

    code = "lease_lost"

    def __init__(self) -> None:
        super().__init__("The run moved on without this worker.")


class ContendedError(ConflictError):
    code = "contended"

    def __init__(self) -> None:
        super().__init__("The paper changed too often at the same moment; try again.")


class FileTooLargeError(PaperProcessingError):
    code = "file_too_large"

    def __init__(self, limit_mb: int) -> None:
        super().__init__(f"The file is larger than {limit_mb} MB; PAPERS_MAX_UPLOAD_MB sets the limit.")


class UnsupportedTypeError(PaperProcessingError):
    code = "unsupported_type"

    def __init__(self) -> None:
        super().__init__(
            "The content is of no type this service reads: PDF, text, Markdown, HTML, DOCX, JATS XML or LaTeX."
        )


class EmptyFileError(InvalidError):
    code = "empty_file"

    def __init__(self) -> None:
        super().__init__("The file is empty; send a paper of at least one byte.")


class MissingFileError(InvalidError):
    code = "missing_file"

    def __init__(self) -> None:
        super().__init__("Send the paper as multipart/form-data in a field named 'file'.")


class InvalidCursorError(InvalidError):
    code = "invalid_cursor"

    def __init__(self) -> None:
        super().__init__("The cursor is not one of this list; take next_cursor from the page before.")


class InvalidPositionError(InvalidError):
    """A resume position that cannot be read; a socket answers it with `resync`."""

    code = "invalid_position"

    def __init__(self) -> None:
        super().__init__("The position is not one this service gave out.")


class BadMessageError(InvalidError):
    code = "bad_message"


class UnknownActionError(BadMessageError):
    code = "unknown_action"


class NotAllowedHereError(BadMessageError):
    code = "not_allowed_here"


class ReadError(PaperProcessingError):
    """A file cannot be read, and trying again would not help. `code` says why."""

    CODES: ClassVar[frozenset[str]] = frozenset(
        {"unreadable", "encrypted", "no_pages", "no_text", "text_too_long", "file_too_complex"}
    )

    def __init__(self, code: str, detail: str) -> None:
        if code not in self.CODES:
            raise ValueError(f"{code!r} is not a reason to give up on a file")
        super().__init__(detail)
        self.code = code  # type: ignore[misc]  # the one error whose code is data: it comes from a child process


class RetryableError(PaperProcessingError):
    """The stage may succeed on another attempt; three of these end the run."""


class ReaderCrashedError(RetryableError):
    code = "reader_crashed"

    def __init__(self, how: str) -> None:
        super().__init__(f"The file made its reader crash ({how}).")


class ReaderTimedOutError(RetryableError):
    code = "reader_timed_out"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The file was not read within {seconds:g} seconds.")


class ReaderOutOfMemoryError(RetryableError):
    code = "reader_out_of_memory"

    def __init__(self, limit_mb: int) -> None:
        super().__init__(f"Reading the file took more than {limit_mb} MB of memory.")


class StageTimedOutError(RetryableError):
    code = "stage_timed_out"

    def __init__(self, stage: str, seconds: float) -> None:
        super().__init__(
            f"The stage {stage} took longer than {seconds:g} seconds; PAPERS_STAGE_TIMEOUT_SECONDS sets the limit."
        )


class WorkerOutOfMemoryError(RetryableError):
    code = "worker_out_of_memory"

    def __init__(self) -> None:
        super().__init__("The worker got no more memory from its machine; give it more, then process the paper again.")

    @staticmethod
    def explains(error: BaseException) -> bool:
        """Whether a lack of memory is behind it, as Python and the operating system say it."""
        return (
            isinstance(error, MemoryError)
            or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
            or (isinstance(error, RuntimeError) and str(error) == "can't start new thread")
        )


class WorkerLostError(RetryableError):
    code = "worker_lost"

    def __init__(self, attempts: int) -> None:
        super().__init__(
            f"The worker was lost {attempts} times while it worked on this paper; process it again to retry."
        )
