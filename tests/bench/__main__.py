"""`make bench`: comparisons with the plain ways, kept in docs/benchmarks.md."""

from tests.bench import fan_out, idle, reading, round_trip, whole_service
from tests.bench.parts import Parts, main
from tests.bench.report import DOCS

PARTS: Parts = {
    "round-trip": (round_trip.STEPS, round_trip.run),
    "fan-out": (fan_out.STEPS, fan_out.run),
    "idle": (idle.STEPS, idle.run),
    "reading": (reading.STEPS, reading.run),
    "whole-service": (whole_service.STEPS, whole_service.run),
}

if __name__ == "__main__":
    main(PARTS, DOCS / "benchmarks.md")
