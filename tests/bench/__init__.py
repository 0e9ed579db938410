"""Benchmarks: each compares things in one run, prints ratios, and saves a figure."""
