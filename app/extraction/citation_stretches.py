"""What can be seen of the stretch of a citation that a word stands in, from one sign of punctuation to the next.

A title may be longer than what a word's neighbours show: how its stretch begins and ends, of what form it is and its
neighbours are, and whether it is the longest, tells a word in its middle from one in the name of a journal.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

_PARTING = re.compile(r"[,.;:()\[\]\"“”?!/–—]|\s-\s")
_KINDS = {
    "journal": "journal j review rev letters lett transactions trans acta annals ann bulletin bull magazine quarterly"
    " zeitschrift revue revista archives arch advances adv phys chem nature science",
    "meeting": "proceedings proc conference conf symposium symp workshop meeting congress colloquium kongress"
    " international int annual lecture lncs",
    "press": "press publisher publishers publishing verlag springer wiley elsevier academic books routledge sage mit oxford"
    " cambridge crc hall mcgraw company inc ltd sons",
    "thesis": "thesis dissertation phd ph diss doctoral master masters these",
    "report": "report technical tech working memo paper preprint draft manuscript rfc unpublished submitted appear",
    "editor": "eds ed editor editors hg hrsg edited",
    "place": "university department dept institute laboratory school college center centre",
    "volume": "vol volume no issue number band bd",
    "pages": "pp pages p",
}
_KIND_OF = {word: kind for kind, known in _KINDS.items() for word in known.split()}
"""Of a few words that say what a stretch is."""
_LONG = 4
"""Words, from which on a stretch is likely a title."""


class Stretch(NamedTuple):
    """Words `first` to `last`, inclusively; the parting signs are in the gaps round them."""

    first: int
    last: int
    form: str
    kinds: str


def stretches(gaps: Sequence[str], lower: Sequence[str], forms: Sequence[str]) -> list[Stretch]:
    """Those of a citation in order; each word is in one. The full stop between two initials parts nothing."""
    starts = [0]
    for i in range(1, len(lower)):
        initials = gaps[i].strip("_") == "." and forms[i - 1] == forms[i] == "X"
        if _PARTING.search(gaps[i].replace("_", " ")) and not initials:
            starts.append(i)
    return [
        Stretch(first, after - 1, _form(forms[first:after]), _kinds(lower[first:after]))
        for first, after in zip(starts, [*starts[1:], len(lower)], strict=True)
    ]


def stretch_features(gaps: Sequence[str], lower: Sequence[str], forms: Sequence[str]) -> list[list[str]]:
    """What can be seen of each word's stretch, of those beside it, and where in it the word stands."""
    every = stretches(gaps, lower, forms)
    sizes = [stretch.last - stretch.first + 1 for stretch in every]
    longest = sizes.index(max(sizes))
    kinds = [set(stretch.kinds.split("+")) - {""} for stretch in every]
    numbers = [stretch.form[0] == "D" for stretch in every]
    count = len(every)
    answer = []
    for k, (first, last, form, kind) in enumerate(every):
        punctuation = f"{gaps[first]}|{gaps[last + 1]}"
        shared = [
            f"s.first={lower[first]}",
            f"s.last={lower[last]}",
            f"s.size={min(sizes[k], 8)}",
            f"s.round={punctuation}",
            f"s.form={form}",
            f"s.form+round={form}|{punctuation}",
            f"s.kinds={kind}",
            f"s.kinds+first={kind}|{lower[first]}",
            f"s.longest={(k > longest) - (k < longest)}",
            f"s.at={min(k, 6)}",
            f"s.left={min(count - k, 6)}",
            f"s.numbers_ahead={min(sum(numbers[k + 1 :]), 4)}",
            f"s.long={_how_many_long(sizes[:k])}|{_how_many_long(sizes[k + 1 :])}",
            *(f"s.behind={other}" for other in sorted(set().union(*kinds[:k]))),
            *(f"s.ahead={other}" for other in sorted(set().union(*kinds[k + 1 :]))),
        ]
        for step in (-2, -1, 1, 2):
            if 0 <= k + step < count:
                other = every[k + step]
                shared += [
                    f"s{step}.form={other.form}",
                    f"s{step}.kinds={other.kinds}",
                    f"s{step}.first={lower[other.first]}",
                ]
            else:
                shared.append(f"s{step}:none")
        if 0 < k < count - 1:
            shared.append(f"s.forms={every[k - 1].form}|{form}|{every[k + 1].form}")
        answer += [[f"s.in={min(i - first, 3)}|{min(last - i, 3)}", *shared] for i in range(first, last + 1)]
    return answer


def _how_many_long(sizes: Sequence[int]) -> int:
    return min(sum(size >= _LONG for size in sizes), 3)


def _kinds(lower: Sequence[str]) -> str:
    return "+".join(sorted({_KIND_OF[word] for word in lower if word in _KIND_OF}))


def _form(forms: Sequence[str]) -> str:
    """Numbers only, or how many words are in capitals, in small letters, and initials, and whether there is a number."""
    digits = sum(form[0] == "0" or form == "year" for form in forms)
    if digits == len(forms):
        return f"D{min(digits, 3)}{'y' if 'year' in forms else ''}"
    initials = forms.count("X")
    small = forms.count("xx") + forms.count("x")
    capitals = len(forms) - digits - initials - small
    return f"{min(capitals, 3)}{min(small, 3)}{min(initials, 2)}{min(digits, 1)}"
