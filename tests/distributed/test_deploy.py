"""The files that make a cluster: of the form that Docker and KubeRay take, and of one mind with the package."""

import json
import re
import tomllib
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml")
jsonschema = pytest.importorskip("jsonschema")
ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def read(name):
    return yaml.safe_load((DEPLOY / f"{name}.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["compose", "raycluster"])
def test_a_file_has_the_form_that_its_reader_takes(name):
    schema = json.loads((DEPLOY / "schemas" / f"{name}.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(read(name), schema)


@pytest.mark.parametrize("name", ["compose", "raycluster"])
def test_the_schema_refuses_a_misspelt_key(name):
    schema = json.loads((DEPLOY / "schemas" / f"{name}.json").read_text())
    wrong = read(name)
    (wrong["services"]["head"] if name == "compose" else wrong["spec"])["comand"] = "ray start"
    with pytest.raises(jsonschema.ValidationError, match="comand"):
        jsonschema.validate(wrong, schema)


def test_compose_starts_a_head_and_two_workers_that_know_it():
    services = read("compose")["services"]
    head, worker = services["head"]["command"], services["worker"]["command"]
    port = re.search(r"--port=(\d+)", head).group(1)
    assert f"--address=head:{port}" in worker
    assert services["worker"]["deploy"]["replicas"] == 2
    assert services["worker"]["depends_on"]["head"]["condition"] == "service_healthy"
    assert "--disable-usage-stats" in head
    for service in services.values():
        assert "RAY_AUTH_TOKEN" in service["environment"]
        store = int(re.search(r"--object-store-memory=(\d+)", service["command"]).group(1))
        assert store < 1e9 * int(service["shm_size"].removesuffix("gb"))  # else it lies on the disk
        assert any(volume.split(":")[1] == "/pictures" for volume in service["volumes"])
    assert all(port.startswith("127.0.0.1:") for port in services["head"]["ports"])  # the dashboard runs code


def test_kuberay_starts_a_head_and_two_workers_that_mount_what_they_have():
    spec = read("raycluster")["spec"]
    (workers,) = spec["workerGroupSpecs"]
    assert workers["minReplicas"] <= workers["replicas"] == 2 <= workers["maxReplicas"]
    assert spec["authOptions"] == {"mode": "token"}
    assert spec["headGroupSpec"]["rayStartParams"]["disable-usage-stats"] == "true"
    for group in (spec["headGroupSpec"], workers):
        pod = group["template"]["spec"]
        volumes = {volume["name"] for volume in pod["volumes"]}
        assert {mount["name"] for mount in pod["containers"][0]["volumeMounts"]} == volumes == {"pictures", "results"}


def test_ray_is_the_one_that_the_package_asks_for():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (ray,) = (line for line in extras["distributed"] if line.startswith("ray"))
    version = read("raycluster")["spec"]["rayVersion"]
    assert f">={version.rpartition('.')[0]}," in ray
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    assert ".[distributed,study]" in dockerfile
    assert "RAY_USAGE_STATS_ENABLED=0" in dockerfile
    for path in re.findall(r"^COPY (.+) \S+$", dockerfile, re.MULTILINE):
        assert all((ROOT / part).exists() for part in path.split())
