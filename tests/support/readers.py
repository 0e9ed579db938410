"""A reader whose children do what a test says, in place of reading."""

import sys
import textwrap
from pathlib import Path

from app.adapters.reader.subprocess import SubprocessReader

ROOT = Path(__file__).parents[2]


def reader_of(body: str, timeout_seconds: float = 5, memory_mb: int = 512) -> SubprocessReader:
    """Its children run `body`, each in a fork of a real template; it finds the `job`, and `refuse(detail)` for an answer."""
    return SubprocessReader(timeout_seconds, memory_mb, template=(sys.executable, "-I", "-c", program_of(body)))


def program_of(body: str) -> str:
    return f"""
import json, os, signal, sys, time
sys.path.insert(0, {str(ROOT)!r})
from app.adapters.reader import frames, template

def refuse(detail):
    with open(1, "wb", closefd=False) as answer:
        frames.write(answer, frames.REFUSED, json.dumps({{"code": "unreadable", "detail": str(detail)}}).encode())

def read(job):
{textwrap.indent(textwrap.dedent(body).strip(), "    ")}

template.serve(int(sys.argv[1]), read)
"""
