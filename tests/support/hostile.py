"""Seeded makers of what nobody should send: messages, addresses and requests, some of them nearly right."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote

from app.realtime.protocol import MAX_MESSAGE_BYTES, MAX_SUBSCRIPTIONS

ACTIONS = ["ping", "subscribe", "unsubscribe", "Ping", "ping ", "", "dance", "__class__", "sub\u0073cribe"]
LETTERS = "aZ09 _-./\\'\"{}[]$*%&<>\x00\x07\n\r\u0301\u200f\u202eñ論🦆\ufeff\uffff"
WORDS = [
    *("", " ", "null", "../../etc/passwd", "$ne", "x' OR '1'='1", "{{7*7}}", "%s%n", "\x00", "\ufeff", "NaN", "-0"),
    *("🦆" * 300, "\u202eabc", "e\u0301" * 50, "\r\nX-Evil: 1", "<script>", "a" * 5000, "__proto__", "constructor"),
]
NUMBERS = ["0", "-1", "1e999", "-1e-999", "9" * 4000, "0.1", "1E+2", "18446744073709551616", "-0", "NaN", "Infinity"]
HALF = '"\\ud800"'
"""Half a surrogate pair, which JSON can say and UTF-8 cannot."""
METHODS = ["GET", "GET", "GET", "POST", "POST", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS", "TRACE", "BREW", "get"]
TYPES = [
    *("application/json", "application/json; charset=utf-16", "multipart/form-data", "multipart/form-data; boundary="),
    *("multipart/form-data; boundary=x", "text/plain", "application/x-www-form-urlencoded", "", ";;;", "a/b; c=\x7f"),
]
PARAMETERS = ["limit", "cursor", "q", "status", "after", "limit[]", "$where", ""]


@dataclass(frozen=True)
class Request:
    """One request, as its parts go over the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Hostile:
    """Everything of one seed; `paper_id` is a real one, for what is nearly right."""

    def __init__(self, seed: int, paper_id: str, position: str = "") -> None:
        self._random = Random(seed)
        self._paper_id = paper_id
        self._position = position

    # -- what clients send over an open socket

    def frames(self, count: int) -> Iterator[str | bytes]:
        makers: list[Callable[[], str | bytes]] = [
            *[self._near_action] * 6,
            self._json,
            self._json,
            self.text,
            self._broken,
            self._bytes,
            self._deep,
        ]
        for _ in range(count):
            yield (self._sized if self._random.random() < 0.01 else self._random.choice(makers))()

    # -- where they connect to

    def addresses(self, count: int) -> Iterator[str]:
        for _ in range(count):
            name = self._random.choice([self._paper_id, self.text(), self.text() + "/" + self.text(), ".", ".."])
            path = self._random.choice(["/ws", "/ws", "/ws/", f"/ws/{quote(name, safe='')}"])
            yield path + self._random.choice(["", "?after=" + quote(self._after()), "?" + self._query()])

    # -- what they send over HTTP

    def requests(self, count: int) -> Iterator[Request]:
        for _ in range(count):
            if self._random.random() < 0.3:
                yield self._near_request()
                continue
            target = self._target()
            if self._random.random() < 0.4:
                target += "?" + self._query()
            headers = {"Content-Type": self._random.choice(TYPES)} if self._random.random() < 0.7 else {}
            if self._random.random() < 0.3:
                name = self._random.choice(
                    ["Range", "If-Match", "Expect", "Accept", "Origin", "Content-Encoding", "Cookie"]
                )
                headers[name] = quote(self.text(), safe=" ;,=/*")[:500]
            yield Request(self._random.choice(METHODS), target, headers, self._body())

    # -- the parts

    def text(self) -> str:
        if self._random.random() < 0.4:
            return self._random.choice(WORDS)
        return "".join(self._random.choice(LETTERS) for _ in range(self._random.choice([0, 1, 5, 40])))

    def _bytes(self) -> bytes:
        return self._random.randbytes(self._random.choice([0, 1, 10, 1000]))

    def _json(self) -> str:
        return self._value(self._random.randint(0, 4))

    def _value(self, depth: int) -> str:
        """JSON text, and not from a Python value: it may have doubled keys, numbers without end, half characters."""
        kind = self._random.randrange(8 if depth else 6)
        if kind < 2:
            return json.dumps(self.text(), ensure_ascii=self._random.random() < 0.5)
        if kind < 4:
            return self._random.choice([*NUMBERS, HALF, "true", "null"])
        if kind == 4:
            return json.dumps(self._paper_id)
        if kind == 5:
            return json.dumps(self._random.choice(ACTIONS))
        parts = [self._value(depth - 1) for _ in range(self._random.randrange(5))]
        if kind == 6:
            return f"[{','.join(parts)}]"
        return f"{{{','.join(f'{self._key()}:{part}' for part in parts)}}}"

    def _key(self) -> str:
        return self._random.choice(['"action"', '"paper_ids"', '"paper_ids"', HALF, json.dumps(self.text())])

    def _near_action(self) -> str:
        """An action with the one or other thing wrong, or by chance none."""
        fields = [f'"action":{json.dumps(self._random.choice(ACTIONS[:3]))}']
        if self._random.random() < 0.8:
            fields.append(f'"paper_ids":{self._ids()}')
        if self._random.random() < 0.3:
            fields.append(f"{self._key()}:{self._value(1)}")
        self._random.shuffle(fields)
        space = self._random.choice(["", "", " ", "\n\t", "\u00a0"])
        return space + "{" + f",{space}".join(fields) + "}" + space

    def _ids(self) -> str:
        if self._random.random() < 0.3:
            return self._value(2)
        count = self._random.choice([0, 1, 1, 2, 5, MAX_SUBSCRIPTIONS + 1])
        ids = [self._random.choice([json.dumps(self._paper_id), self._value(0)]) for _ in range(count)]
        return f"[{','.join(ids)}]"

    def _broken(self) -> str:
        """Right, but for a cut, a doubling or a letter changed."""
        whole = self._random.choice([self._near_action(), '{"action":"ping"}'])
        at = self._random.randrange(len(whole))
        return self._random.choice(
            [whole[:at], whole + whole, whole[:at] + self._random.choice(LETTERS) + whole[at + 1 :]]
        )

    def _deep(self) -> str:
        depth = self._random.choice([10, 1000, 20_000])
        return self._random.choice(
            ["[" * depth, '{"a":' * depth, "[" * depth + "]" * depth, f'{{"action":{"[" * depth}']
        )

    def _sized(self) -> str:
        """Just within the limit of a message, and just beyond it."""
        return '{"action":"ping"}'.ljust(MAX_MESSAGE_BYTES + self._random.choice([-1, 0, 1, 1000]))

    def _after(self) -> str:
        """A position that is none, was one, or is cut."""
        if not self._position or self._random.random() < 0.5:
            return self.text()
        at = self._random.randrange(len(self._position))
        return (
            self._position[:at] + self._random.choice(["", self._random.choice("aZ09-_=")]) + self._position[at + 1 :]
        )

    def _query(self) -> str:
        pairs = [
            quote(self._random.choice(PARAMETERS)) + "=" + quote(self._random.choice([self.text(), "-1", "9" * 40]))
            for _ in range(self._random.randint(1, 4))
        ]
        return "&".join(pairs)

    def _target(self) -> str:
        part: Callable[[], str] = lambda: quote(  # noqa: E731
            self._random.choice([self._paper_id, self.text(), ".."]), safe=self._random.choice(["", "/."])
        )
        return self._random.choice(
            [
                "/papers/",
                "/papers/batch/process",
                f"/papers/{part()}",
                f"/papers/{part()}/{self._random.choice(['events', 'document', 'file', 'process', 'cancel', 'entities'])}",
                f"/graph/entities/{part()}",
                f"/graph/papers/{part()}/related",
                "/search",
                f"/{part()}",
                self._random.choice(["/metrics", "/health/ready", "/system/status", "/openapi.json", "/asyncapi.json"]),
            ]
        )

    def _body(self) -> bytes:
        maker: Callable[[], Any] = self._random.choice([self._json, self._batch, self._deep, self._form, self._bytes])
        made = maker()
        return made if isinstance(made, bytes) else str(made).encode(self._random.choice(["utf-8", "utf-8", "utf-16"]))

    def _near_request(self) -> Request:
        """Nothing wrong but the content."""
        if self._random.random() < 0.5:
            return Request(
                "POST", "/papers/batch/process", {"Content-Type": "application/json"}, self._batch().encode()
            )
        return Request("POST", "/papers/", {"Content-Type": "multipart/form-data; boundary=x"}, self._form())

    def _batch(self) -> str:
        return f'{{"paper_ids":{self._ids()}}}'

    def _form(self) -> bytes:
        field, name = (self._random.choice(["file", "", self.text()]).encode() for _ in range(2))
        head = b'--x\r\nContent-Disposition: form-data; name="' + field + b'"; filename="' + name + b'"\r\n\r\n'
        whole = head + self._bytes() + self._random.choice([b"", b"\r\n--x--\r\n", b"\r\n--x"])
        return whole[: self._random.choice([len(whole), self._random.randrange(len(whole))])]
