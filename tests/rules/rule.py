"""What a rule is here."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Rule:
    """A promise, the edit that breaks it, and the tests that then fail."""

    text: str
    path: str
    """The file that keeps it."""
    kept: str
    """What keeps it there; this once in the file."""
    broken: str
    """What takes its place."""
    tests: tuple[str, ...]

    def take_out(self, root: Path) -> str:
        """The file without the rule. Raises `ValueError` when it is no longer kept so."""
        source = (root / self.path).read_text(encoding="utf-8")
        if source.count(self.kept) != 1:
            raise ValueError(f"{self.path} has {source.count(self.kept)} times what keeps {self.text!r}: {self.kept!r}")
        return source.replace(self.kept, self.broken)
