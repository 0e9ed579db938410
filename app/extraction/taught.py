"""What a model of entities says of itself, whichever kind it is: the types it was taught, and why it cannot be used."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from app.domain.knowledge import EntityType
from app.extraction.phrases import Names, Phrase
from app.extraction.tagging import Token

Tell = Callable[[Sequence[Token], Sequence[Phrase]], Sequence[str]]
"""The tags of a sentence's words, such as `B-method`, `I-method` and `O`, from the words and what the rules found."""


class WeightsError(ValueError):
    """A file or folder holds no weights we can use; the message says why."""


class Model(Protocol):
    """A model that reads one document at a time."""

    @property
    def fingerprint(self) -> str: ...

    @property
    def types(self) -> frozenset[EntityType]: ...

    def open(self, text: str, names: Names) -> Tell:
        """For one document; many may be open at once, in several threads."""
        ...


def types_of(labels: Iterable[str]) -> frozenset[EntityType]:
    """The types that these tags name. Raises `WeightsError` when they name none of ours."""
    known = {kind.value for kind in EntityType}
    types = frozenset(EntityType(label[2:]) for label in labels if label[2:] in known)
    if not types:
        raise WeightsError(f"it knows none of the tags B-{', B-'.join(sorted(known))}")
    return types
