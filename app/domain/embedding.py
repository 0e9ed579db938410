"""What a text means, as a direction in a space of some hundred dimensions: texts of like meaning point the like way."""

from app.domain.model import Value


class Embedding(Value):
    """A direction. Only those that the same model made can be compared."""

    model: str
    """Its fingerprint."""
    vector: bytes
    """Numbers of 4 bytes, little-endian; all together of length 1, so that the product of two is their cosine."""
