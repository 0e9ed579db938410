"""The image holds what pyproject.toml asks for and nothing else: with that alone every module of the service is imported."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow  # imports everything anew

# In a process of its own, in which what only development installs cannot be found.
ALONE = """
import pkgutil, sys
from importlib import import_module
from importlib.metadata import packages_distributions, requires
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

def needed(name, extras, found):
    for requirement in map(Requirement, requires(name) or ()):
        asked = [{"extra": extra} for extra in ("", *extras)]
        wanted = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if wanted not in found and (not requirement.marker or any(map(requirement.marker.evaluate, asked))):
            found.add(wanted)
            needed(*wanted, found)
    return found

there = {name for name, _ in needed("paper-processing", sys.argv[1:], set())} | {"paper-processing"}
absent = {
    package
    for package, distributions in packages_distributions().items()
    if there.isdisjoint(map(canonicalize_name, distributions))
}

class Absent:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

for name in [name for name in sys.modules if name.partition(".")[0] in absent]:
    del sys.modules[name]
sys.meta_path.insert(0, Absent())
"""
EVERYTHING = """
import app
for module in pkgutil.walk_packages(app.__path__, "app."):
    import_module(module.name)
    print(module.name)
"""
LAZILY = "import onnxruntime, s3fs, tokenizers, app.tracing; app.tracing._exporter('otlp').shutdown()"
"""What is imported only when a setting asks for it."""


def alone(statements: str, *extras: str) -> str:
    """What they print where only these extras are; fails with the error's last line when they cannot be run."""
    command = [sys.executable, "-c", ALONE + statements, *extras]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr.splitlines()[-1]
    return done.stdout


def test_every_module_is_imported_with_what_is_asked_for() -> None:
    assert "app.adapters.queue.celery" in alone(EVERYTHING).split()


def test_the_extras_bring_what_they_are_for() -> None:
    alone(LAZILY, "otel", "s3", "neural")
