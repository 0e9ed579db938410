"""The files of deployment, as tests see them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
TEXTS = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in [ROOT / "Dockerfile", ROOT / "compose.yaml", *sorted(DEPLOY.rglob("*"))]
    if path.is_file()
}


class Strict(yaml.SafeLoader):
    """Refuses a key that is there twice, which YAML forbids and the loader lets pass."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        if len(keys) != len(set(keys)):
            raise ValueError(f"a key is there twice, line {node.start_mark.line + 1}: {keys}")
        return super().construct_mapping(node, deep)


def documents(name: str) -> list[dict[str, Any]]:
    """What is in a YAML file, by its path in the project."""
    return list(yaml.load_all(TEXTS[name], Strict))


def compose() -> dict[str, Any]:
    (found,) = documents("compose.yaml")
    return found


def resources() -> Iterator[dict[str, Any]]:
    """Every Kubernetes resource."""
    for name in TEXTS:
        if re.fullmatch(r"deploy/kubernetes/(?!kustomization)[\w-]+\.yaml", name):
            yield from documents(name)


def resource(kind: str, name: str) -> dict[str, Any]:
    (found,) = [each for each in resources() if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


def container(deployment: str) -> dict[str, Any]:
    (found,) = resource("Deployment", deployment)["spec"]["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def instructions() -> list[tuple[str, str]]:
    """Of the Dockerfile: each with what follows it, continued lines joined."""
    text = re.sub(r"^#.*\n", "", TEXTS["Dockerfile"], flags=re.MULTILINE).replace("\\\n", " ")
    parts = (line.partition(" ") for line in text.splitlines() if line.strip())
    return [(word, re.sub(r"\s+", " ", rest).strip()) for word, _, rest in parts]


def environment(text: str) -> dict[str, str]:
    """Of a file of `NAME=value` lines."""
    return dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))


def image_environment() -> dict[str, str]:
    pairs = [re.findall(r"(\w+)=(\S+)", rest) for word, rest in instructions() if word == "ENV"]
    return dict(pairs[-1])
