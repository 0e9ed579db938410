"""What a sequence model is told of each word of a sentence: its form, its neighbours, and what the rules say of it."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

from app.extraction.lexicon import singular
from app.extraction.phrases import Names, Phrase

_TOKEN = re.compile(r"[^\W_]+(?:[-‐‑'’./][^\W_]+)*|[^\w\s]|_+")
_DIGIT = re.compile(r"\d")
_LONGEST_RUN = 5
"""Words from one to the noun that ends its phrase."""
_OFTEN = 4

Token = tuple[int, int]


def tokens(text: str, start: int, end: int) -> list[Token]:
    """Spans of the words and marks of a sentence; a hyphen or a point within a word parts nothing."""
    return [match.span() for match in _TOKEN.finditer(text, start, end)]


def features(
    text: str, words: Sequence[Token], ruled: Sequence[Phrase], names: Names, counts: Counter[str]
) -> list[list[str]]:
    """One list a token. `ruled`: what the rules found in the sentence; `counts`: of the document's words, in lower case."""
    forms = [text[start:end] for start, end in words]
    lowers = [form.lower() for form in forms]
    heads = [_head(lower, names) for lower in lowers]
    rules = list(_rule_tags(words, ruled))
    return [
        [
            *_own(forms[i], heads[i], rules[i], min(counts[lowers[i]], _OFTEN)),
            *_neighbours(forms, lowers, heads, rules, i),
            *_run(lowers, heads, i),
        ]
        for i in range(len(words))
    ]


def _head(lower: str, names: Names) -> str:
    """What the word lists say of a word."""
    stem = _stem(lower)
    kind = names.lexicon.heads.get(stem)
    if kind is not None:
        return kind.value
    if names.is_stop(lower):
        return "stop"
    if stem in names.lexicon.vague:
        return "vague"
    return "weak" if stem in names.lexicon.weak else ""


def _rule_tags(words: Sequence[Token], ruled: Sequence[Phrase]) -> Iterator[str]:
    """What the rules found, as tags: `B-method`, or `b-method` where they are not sure."""
    at = 0
    for start, end in words:
        while at < len(ruled) and ruled[at].end <= start:
            at += 1
        if at < len(ruled) and ruled[at].start < end:
            mark = "B" if ruled[at].start >= start else "I"
            yield f"{mark if ruled[at].sure else mark.lower()}-{ruled[at].term.type}"
        else:
            yield "O"


@lru_cache(50_000)
def _stem(lower: str) -> str:
    return singular(lower.rpartition("-")[2])


@lru_cache(50_000)
def _shape(form: str) -> str:
    """`BERT-2` → `X+-d`."""
    shape = "".join("X" if c.isupper() else "x" if c.isalpha() else "d" if c.isdigit() else c for c in form[:12])
    return re.sub(r"(.)\1+", r"\1+", shape)


@lru_cache(50_000)
def _own(form: str, head: str, rule: str, count: int) -> tuple[str, ...]:
    lower = form.lower()
    return (
        "bias",
        f"w={_DIGIT.sub('0', lower)}",
        f"s={_shape(form)}",
        f"h={head}",
        f"r={rule}",
        f"rh={rule}/{head}",
        f"stem={_stem(lower)}",
        f"n={count}",
        *((f"<3={lower[:3]}", f">2={lower[-2:]}", f">3={lower[-3:]}", f">4={lower[-4:]}") if len(lower) > 3 else ()),
    )


def _neighbours(
    forms: Sequence[str], lowers: Sequence[str], heads: Sequence[str], rules: Sequence[str], i: int
) -> Iterator[str]:
    for by in (-2, -1, 1, 2):
        j = i + by
        if not 0 <= j < len(lowers):
            yield f"{by}=^"
            continue
        yield f"{by}w={lowers[j]}"
        yield f"{by}h={heads[j]}"
        yield f"{by}r={rules[j]}"
        if by in (-1, 1):
            yield f"{by}>3={lowers[j][-3:]}"
            yield f"{by}s={_shape(forms[j])}"
            yield f"{by}ww={lowers[min(i, j)]} {lowers[max(i, j)]}"


def _run(lowers: Sequence[str], heads: Sequence[str], i: int) -> Iterator[str]:
    """Of the words that stand together here: the last, which says what kind of thing they name, and those around them."""
    last = first = i
    while last + 1 < len(lowers) and _goes_on(lowers[last + 1], heads[last + 1]) and last - i < _LONGEST_RUN:
        last += 1
    while first and _goes_on(lowers[first - 1], heads[first - 1]) and i - first < _LONGEST_RUN:
        first -= 1
    yield f"end={_stem(lowers[last])}"
    yield f"endh={heads[last]}/{last - i}"
    yield f"before={lowers[first - 1] if first else '^'}/{i - first}"
    yield f"after={lowers[last + 1] if last + 1 < len(lowers) else '$'}"


def _goes_on(lower: str, head: str) -> bool:
    return head != "stop" and lower[0].isalnum()
