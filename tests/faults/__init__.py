"""Processes that die or stand still at seeded moments, while papers are worked on and sockets watch: `make test-faults`."""
