"""Bytes in, knowledge out: pure functions, no services."""
