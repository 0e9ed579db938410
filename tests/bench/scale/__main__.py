"""`make bench-scale`: how costs grow, kept in docs/scaling.md."""

from tests.bench.parts import Part, main
from tests.bench.report import DOCS
from tests.bench.scale import events, idle, papers, sockets, workers

PARTS: dict[str, Part] = {
    "sockets": sockets,
    "idle-sockets": idle,
    "papers": papers,
    "events": events,
    "workers": workers,
}

if __name__ == "__main__":
    main(PARTS, DOCS / "scaling.md")
