"""deploy/rayjob.yaml as Kubernetes and KubeRay take it: by their schemas, where an unknown field is an error."""

import copy
import json
from pathlib import Path

import jsonschema
import pytest

yaml = pytest.importorskip("yaml", reason="needs pyyaml")
kubernetes = pytest.importorskip("kubernetes_validate", reason="needs kubernetes-validate")

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "tests" / "golden" / "rayjob.schema.json").read_text())


def check(documents: list[dict]) -> None:
    """Raises the validator's error. The templates of pods are checked by Kubernetes' own schema of pods."""
    for document in documents:
        if document["kind"] != "RayJob":
            kubernetes.validate(document, kubernetes.latest_version(), strict=True)
            continue
        jsonschema.validate(document, SCHEMA)
        cluster = document["spec"]["rayClusterSpec"]
        for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
            pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, **group["template"]}
            kubernetes.validate(pod, kubernetes.latest_version(), strict=True)


@pytest.fixture(scope="module")
def manifest() -> list[dict]:
    return list(yaml.safe_load_all((ROOT / "deploy" / "rayjob.yaml").read_text()))


def test_the_manifest_is_valid(manifest):
    check(manifest)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "backofLimit"), 3),
        (("spec", "rayClusterSpec", "headGroupSpec", "rayStartParams"), {"num-cpus": 0}),
        (
            (
                "spec",
                "rayClusterSpec",
                "workerGroupSpecs",
                0,
                "template",
                "spec",
                "containers",
                0,
                "resource",
            ),
            {},
        ),
        (("spec", "rayClusterSpec", "workerGroupSpecs", 0, "template", "spec", "serviceAccount"), 1),
    ],
)
def test_a_mistake_in_it_would_be_seen(manifest, path, value):
    changed = copy.deepcopy(manifest)
    (place,) = [document for document in changed if document["kind"] == "RayJob"]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises((jsonschema.ValidationError, kubernetes.ValidationError)):
        check(changed)
