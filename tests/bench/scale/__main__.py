"""`make bench-scale`: how costs grow, kept in docs/scaling.md."""

from tests.bench.parts import Parts, main
from tests.bench.report import DOCS
from tests.bench.scale import events, idle, papers, sockets, workers

PARTS: Parts = {
    "sockets": (sockets.STEPS, sockets.run),
    "idle-sockets": (idle.STEPS, idle.run),
    "papers": (papers.STEPS, papers.run),
    "events": (events.STEPS, events.run),
    "workers": (workers.STEPS, workers.run),
}

if __name__ == "__main__":
    main(PARTS, DOCS / "scaling.md")
