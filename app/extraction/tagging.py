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
    told = list(zip(forms, lowers, heads, rules, strict=True))
    after = {by: [_beside(by, *word) for word in told[by:]] + [_edge(by)] * min(by, len(told)) for by in (1, 2)}
    before = {by: [_edge(by)] * min(-by, len(told)) + [_beside(by, *word) for word in told[:by]] for by in (-2, -1)}
    goes_on = [_goes_on(lower, head) for lower, head in zip(lowers, heads, strict=True)]
    last = len(words) - 1
    return [
        [
            *_own(forms[i], heads[i], rules[i], min(counts[lowers[i]], _OFTEN)),
            *before[-2][i],
            *before[-1][i],
            *((f"-1ww={lowers[i - 1]} {lowers[i]}",) if i else ()),
            *after[1][i],
            *((f"1ww={lowers[i]} {lowers[i + 1]}",) if i < last else ()),
            *after[2][i],
            *_run(lowers, heads, goes_on, i),
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


def _edge(by: int) -> tuple[str, ...]:
    return (f"{by}=^",)


@lru_cache(100_000)
def _beside(by: int, form: str, lower: str, head: str, rule: str) -> tuple[str, ...]:
    """What is told of a word to the one that stands so many words before (or after) it."""
    told = (f"{by}w={lower}", f"{by}h={head}", f"{by}r={rule}")
    return told if by in {-2, 2} else (*told, f"{by}>3={lower[-3:]}", f"{by}s={_shape(form)}")


def _run(lowers: Sequence[str], heads: Sequence[str], goes_on: Sequence[bool], i: int) -> tuple[str, str, str, str]:
    """Of the words that stand together here: the last, which says what kind of thing they name, and those around them."""
    last = first = i
    while last + 1 < len(lowers) and goes_on[last + 1] and last - i < _LONGEST_RUN:
        last += 1
    while first and goes_on[first - 1] and i - first < _LONGEST_RUN:
        first -= 1
    return (
        f"end={_stem(lowers[last])}",
        f"endh={heads[last]}/{last - i}",
        f"before={lowers[first - 1] if first else '^'}/{i - first}",
        f"after={lowers[last + 1] if last + 1 < len(lowers) else '$'}",
    )


def _goes_on(lower: str, head: str) -> bool:
    return head != "stop" and lower[0].isalnum()
