"""The manifests of Kubernetes name what the code, the image and each other have. No cluster runs here."""

import json
import re

import pytest
from jsonschema import Draft202012Validator

from tests.deployment.code import COMMANDS, ROUTES, SETTINGS, settings_from
from tests.deployment.files import (
    KUBERNETES,
    ROOT,
    TEXTS,
    container,
    documents,
    environment,
    image_environment,
    instructions,
    resource,
    resources,
)

pytestmark = pytest.mark.slow  # files are what changes here: `make check` is soon enough


@pytest.mark.parametrize("name", ["api", "worker"])
def test_a_deployment_runs_its_command_with_the_settings_of_config_and_secret(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert container(name)["args"][0] == name
    assert name in COMMANDS
    named = {key: reference["name"] for source in container(name)["envFrom"] for key, reference in source.items()}
    config = resource("ConfigMap", named["configMapRef"])["data"]
    secret = environment(TEXTS["deploy/kubernetes/secret.env.example"])
    assert not set(config) & set(secret)
    assert f"generic {named['secretRef']} " in TEXTS["deploy/kubernetes/secret.env.example"]
    settings = settings_from({k: v for k, v in {**config, **secret}.items() if k in SETTINGS}, monkeypatch)
    assert settings.store_url.startswith("mongodb://")


def test_probes_ask_routes_that_exist_and_an_outage_takes_no_api_away() -> None:
    api = container("api")
    probes = {word: api[word]["httpGet"] for word in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert {probe["path"] for probe in probes.values()} <= ROUTES
    assert {probe["port"] for probe in probes.values()} == {api["ports"][0]["name"]}
    assert probes["startupProbe"]["path"] == "/health/ready"
    assert probes["readinessProbe"]["path"] == probes["livenessProbe"]["path"] == "/health/live"
    port = str(api["ports"][0]["containerPort"])
    annotations = resource("Deployment", "api")["spec"]["template"]["metadata"]["annotations"]
    assert port == annotations["prometheus.io/port"] == image_environment()["PAPERS_PORT"]
    assert annotations["prometheus.io/path"] in ROUTES


def test_what_selects_pods_selects_those_of_one_deployment() -> None:
    labels = {
        each["metadata"]["name"]: each["spec"]["template"]["metadata"]["labels"]
        for each in resources()
        if each["kind"] == "Deployment"
    }
    where = {
        "Deployment": ("selector", "matchLabels"),
        "Service": ("selector",),
        "PodDisruptionBudget": ("selector", "matchLabels"),
        "NetworkPolicy": ("podSelector", "matchLabels"),
    }
    selecting = [each for each in resources() if each["kind"] in where]
    assert len(selecting) == 7
    for each in selecting:
        selector = each["spec"]
        for step in where[each["kind"]]:
            selector = selector[step]
        assert selector == labels[each["metadata"]["name"]], f"{each['kind']} {each['metadata']['name']}"


def test_the_ingress_leads_to_the_service_and_that_to_the_api() -> None:
    ingress = resource("Ingress", "api")
    (limit,) = ingress["metadata"]["annotations"].values()
    largest = int(resource("ConfigMap", "paper-processing")["data"]["PAPERS_MAX_UPLOAD_MB"])
    assert int(limit.removesuffix("m")) > largest, "what the form takes beside the file has to pass as well"
    (rule,) = ingress["spec"]["rules"]
    backend = rule["http"]["paths"][0]["backend"]["service"]
    (port,) = resource("Service", backend["name"])["spec"]["ports"]
    assert backend["port"]["name"] == port["name"]
    assert port["targetPort"] == container("api")["ports"][0]["name"]


def test_pods_run_as_the_image_s_user_and_write_only_where_something_is_mounted() -> None:
    for name in ("api", "worker"):
        pod = resource("Deployment", name)["spec"]["template"]["spec"]
        assert ("USER", str(pod["securityContext"]["runAsUser"])) in instructions()
        assert container(name)["securityContext"]["readOnlyRootFilesystem"] is True
        mounted = {mount["mountPath"]: mount["name"] for mount in container(name)["volumeMounts"]}
        assert set(mounted) == {image_environment()["PAPERS_DATA_DIR"], "/tmp"}
        assert {volume["name"] for volume in pod["volumes"]} == set(mounted.values())


def test_every_manifest_is_applied_and_linted() -> None:
    manifests = {path.name for path in KUBERNETES.glob("*.yaml")} - {"kustomization.yaml"}
    (kustomization,) = documents("deploy/kubernetes/kustomization.yaml")
    assert set(kustomization) == {"apiVersion", "kind", "namespace", "resources", "images"}, "others are refused"
    assert [set(image) for image in kustomization["images"]] == [{"name", "newTag"}]
    assert set(kustomization["resources"]) == manifests
    (linted,) = re.findall(r"^K8S .*kubernetes/,(.*)\)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(linted.split(",")[-1].split()) == manifests - {"autoscaling.yaml"}, "kubernetes-validate knows no KEDA"
    assert kustomization["images"][0]["name"] == container("api")["image"] == container("worker")["image"]
    assert resource("Namespace", kustomization["namespace"])


def test_the_workers_scaling_is_what_keda_takes() -> None:
    scaled = resource("ScaledObject", "worker")
    schema = json.loads((ROOT / "tests/deployment/scaledobject.schema.json").read_text(encoding="utf-8"))
    assert [error.message for error in Draft202012Validator(schema).iter_errors(scaled)] == []
    spec = scaled["spec"]
    assert "replicas" not in resource("Deployment", spec["scaleTargetRef"]["name"])["spec"], "both would set them"
    assert 1 <= spec["minReplicaCount"] <= spec["fallback"]["replicas"] <= spec["maxReplicaCount"]
