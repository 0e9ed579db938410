"""`make bench`: comparisons with the plain ways, kept in docs/benchmarks.md."""

from tests.bench import fan_out, idle, reading, round_trip, whole_service
from tests.bench.parts import Part, main
from tests.bench.report import DOCS

PARTS: dict[str, Part] = {
    "round-trip": round_trip,
    "fan-out": fan_out,
    "idle": idle,
    "reading": reading,
    "whole-service": whole_service,
}

if __name__ == "__main__":
    main(PARTS, DOCS / "benchmarks.md")
