"""The files of deployment name what the code has: settings, commands, ports, routes. No container engine runs here."""

import json
import re
from collections.abc import Iterable

import pytest

from app.processes import GRACEFUL_SECONDS
from app.settings import Settings
from tests.deployment.code import COMMANDS, ROUTES, SETTINGS, settings_from
from tests.deployment.files import (
    DEPLOY,
    ROOT,
    TEXTS,
    compose,
    container,
    documents,
    environment,
    image_environment,
    instructions,
    resource,
)

pytestmark = pytest.mark.slow  # files are what changes here: `make check` is soon enough

UNITS = {"g": 1024, "m": 1, "Gi": 1024, "Mi": 1}
"""In MB."""


def megabytes(amount: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(\w+)", amount).groups()  # type: ignore[union-attr]
    return int(number) * UNITS[unit]


def missing(wanted: Iterable[str], there: Iterable[str]) -> list[str]:
    return sorted(set(wanted) - set(there))


@pytest.mark.parametrize("name", TEXTS)
def test_every_setting_that_is_named_exists(name: str) -> None:
    assert missing(re.findall(r"PAPERS_[A-Z0-9_]+", TEXTS[name]), SETTINGS) == []


@pytest.mark.parametrize("name", [name for name in TEXTS if name.endswith((".yaml", ".yml"))])
def test_every_file_is_yaml_without_a_key_twice(name: str) -> None:
    assert documents(name)


# -- the image


def test_the_image_has_a_python_that_ci_tests() -> None:
    (workflow,) = re.findall(r"python: \[(.*)\]", (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    bases = [rest.partition(" ")[0] for word, rest in instructions() if word == "FROM"]
    assert len(set(bases)) == 1, "the environment that is built has to find the same Python where it is copied to"
    version = re.fullmatch(r"python:([\d.]+)-slim-\w+", bases[0])
    assert version is not None
    assert f'"{version[1]}"' in workflow


def test_the_image_is_not_root_s_and_keeps_no_tools_that_build() -> None:
    words = instructions()
    last = words[max(index for index, (word, _) in enumerate(words) if word == "FROM") :]
    assert ("USER", "10001") in last
    assert last.index(("USER", "10001")) < [word for word, _ in last].index("ENTRYPOINT")
    assert not [rest for word, rest in last if word == "RUN" and re.search(r"\b(apt-get|pip|uv)\b", rest)]
    assert [rest for word, rest in last if word == "COPY"] == [
        "--from=build /opt/paper-processing /opt/paper-processing"
    ]


def test_the_image_installs_the_versions_of_the_lock() -> None:
    installs = re.findall(r"uv pip install[^&]*", " && ".join(rest for word, rest in instructions() if word == "RUN"))
    assert len(installs) == 2
    for install in installs:
        assert "constraint requirements.lock" in install
    extras = re.findall(r"--extra (\w+)", installs[0])
    metadata = (ROOT / "pyproject.toml").read_text(encoding="utf-8").split("[project.optional-dependencies]")[1]
    assert extras == re.findall(r"^(\w+) = \[", metadata.split("\n[")[0], re.MULTILINE)


def test_what_the_image_copies_is_let_through_to_the_builder() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_through = {line[1:] for line in lines if line.startswith("!")}
    copied = {
        source
        for word, rest in instructions()
        if word == "COPY" and "--from" not in rest
        for source in rest.split()[:-1]
    }
    assert "*" in lines
    assert copied == let_through
    assert [source for source in copied if not (ROOT / source).exists()] == []


def test_the_image_runs_a_command_that_exists_and_asks_a_route_that_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    by_word = dict(instructions())
    assert json.loads(by_word["ENTRYPOINT"]) == ["paper-processing"]
    assert json.loads(by_word["CMD"])[0] in COMMANDS
    probe = json.loads(by_word["HEALTHCHECK"].partition("CMD ")[2])
    assert "/health/ready" in ROUTES
    assert "/health/ready" in probe[-1]
    compile(probe[-1], "the probe", "exec")
    settings = settings_from({k: v for k, v in image_environment().items() if k in SETTINGS}, monkeypatch)
    assert by_word["EXPOSE"] == str(settings.port)
    assert by_word["VOLUME"] == str(settings.data_dir)


# -- compose


def test_compose_gives_settings_that_a_process_can_start_with(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {**environment(TEXTS["deploy/compose.env.example"]), "MONGO_PASSWORD": "a1"}

    def filled(value: str) -> str:
        return re.sub(r"\$\{(\w+)(?::[-?]([^}]*))?\}", lambda m: values.get(m[1]) or m[2] or "secret", value)

    for service in ("api", "worker"):
        given = compose()["services"][service]["environment"]
        settings = settings_from({k: filled(v) for k, v in given.items() if k in SETTINGS}, monkeypatch)
        assert settings.store_url.startswith("mongodb://papers:a1@mongodb:27017/")
        assert settings.graph_url.startswith("bolt://")
        assert settings.redis_url.startswith("redis://")
        assert settings.files_url.startswith("s3://")


def test_compose_and_its_env_file_name_the_same_variables() -> None:
    used = set(re.findall(r"(?<!\$)\$\{(\w+)", TEXTS["compose.yaml"]))
    assert used == set(environment(TEXTS["deploy/compose.env.example"]))


def test_compose_starts_commands_that_exist_in_an_order_that_ends() -> None:
    services = compose()["services"]
    for name in ("api", "worker"):
        assert services[name]["command"][0] in COMMANDS
        for other, condition in services[name]["depends_on"].items():
            assert condition == {"condition": "service_healthy"}
            assert "healthcheck" in services[other], f"{name} waits for {other}, which never says that it is healthy"
    assert services["worker"]["healthcheck"] == {"disable": True}
    assert services["api"]["deploy"]["replicas"] == 2


def test_compose_s_urls_lead_to_its_own_services() -> None:
    services = compose()["services"]
    urls = [str(value) for value in services["api"]["environment"].values() if "://" in str(value)]
    hosts = {match[1] for url in urls if (match := re.match(r"\w+://(?:[^@/]*@)?([\w-]+):\d+", url))}
    assert hosts == {"mongodb", "neo4j", "redis", "s3"}
    assert hosts <= set(services)
    assert set(services["api"]["depends_on"]) == hosts


def test_compose_names_each_image_with_its_tag_and_only_networks_that_it_has() -> None:
    for name, service in compose()["services"].items():
        assert re.fullmatch(r"[\w./-]+:(\$\{TAG:-)?[\w.-]+\}?", service["image"]), f"{name}: {service['image']}"
        assert set(service["networks"]) <= set(compose()["networks"]), name


def test_what_compose_mounts_is_there_and_every_volume_is_declared() -> None:
    mounts = [mount for service in compose()["services"].values() for mount in service.get("volumes", ())]
    sources = {mount.partition(":")[0] for mount in mounts}
    assert [source for source in sources if source.startswith("./") and not (ROOT / source).exists()] == []
    assert {source for source in sources if not source.startswith("./")} == set(compose()["volumes"])


def test_the_proxy_sends_everything_to_the_api_where_it_listens() -> None:
    caddy = TEXTS["deploy/caddy/Caddyfile"]
    upstream = re.search(r"dynamic a (\w+) (\d+)", caddy)
    assert upstream is not None
    assert upstream[1] in compose()["services"]
    assert upstream[2] == image_environment()["PAPERS_PORT"]
    listens = re.search(r"^:(\d+) \{", caddy, re.MULTILINE)
    assert listens is not None
    proxy = compose()["services"]["proxy"]
    assert proxy["ports"][0].endswith(f":{listens[1]}")
    asked = re.search(r"127\.0\.0\.1:(\d+)(/\S+)", proxy["healthcheck"]["test"][-1])
    assert asked is not None
    assert (asked[1], asked[2] in ROUTES) == (listens[1], True)


def test_there_is_time_to_end_in_order() -> None:
    for name in ("api", "worker"):
        assert int(compose()["services"][name]["stop_grace_period"].removesuffix("s")) >= 2 * GRACEFUL_SECONDS
        pod = resource("Deployment", name)["spec"]["template"]["spec"]
        pause = container(name).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        assert pod["terminationGracePeriodSeconds"] >= pause + 2 * GRACEFUL_SECONDS


def test_a_worker_may_take_what_the_reader_may_take_and_its_own() -> None:
    reader = int(resource("ConfigMap", "paper-processing")["data"]["PAPERS_READ_MEMORY_MB"])
    assert megabytes(container("worker")["resources"]["limits"]["memory"]) >= reader + 512
    limit = compose()["services"]["worker"]["deploy"]["resources"]["limits"]["memory"]
    assert megabytes(limit) >= Settings.model_fields["read_memory_mb"].default + 512


def test_nothing_in_deploy_is_a_stray() -> None:
    known = {"caddy", "grafana", "kubernetes", "prometheus", "compose.env.example", "linters.txt"}
    assert {path.name for path in DEPLOY.iterdir()} == known
