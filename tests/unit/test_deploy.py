"""The files of deploy/ fit the program: what can be checked without the tools they are for."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML

from server.cli import app
from server.config import Config, parse_config
from server.metrics_table import metric_rows

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
GRPC_PORT, METRICS_PORT = 50051, 9464
LEDGER = {"SOURCIER_LEDGER_URL": "postgresql://sourcier@postgres/sourcier"}
NAME = re.compile(r"\b(?:sourcier|process)_[a-z_]+")
PROCESS = {"process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"}
MANIFESTS = {"postgres": "PodDisruptionBudget", "sqlite": "PersistentVolumeClaim"}
"""What each has besides; of a single replica there is nothing to keep up."""


def documents(path: Path) -> list[Any]:
    return list(YAML(typ="safe").load_all(path.read_text(encoding="utf-8")))


def metric_names() -> set[str]:
    """Every name that a query may use."""
    found = set(PROCESS)
    for name, kind, _ in metric_rows():
        found |= {f"{name}_{part}" for part in ("bucket", "sum", "count")} if kind == "histogram" else {name}
    return found


def loaded(text: str, folder: Path) -> Config:
    """A config as the container has it, with the files of the example beside it."""
    environ = LEDGER if "postgres" in text else {}
    text = text.replace("/var/lib/sourcier/", "")
    return parse_config(text.replace("files/", ""), folder / "sourcier.yaml", environ)


@pytest.mark.parametrize("path", sorted(DEPLOY.rglob("*.yaml")), ids=lambda path: path.name)
def test_yaml_is_yaml(path: Path) -> None:
    assert all(documents(path))


@pytest.mark.parametrize("name", ["config.embedded.yaml", "config.postgres.yaml"])
def test_configs_can_be_used(name: str) -> None:
    config = loaded((DEPLOY / name).read_text(encoding="utf-8"), ROOT / "examples" / "shop")
    assert (config.address, config.metrics_address) == (f"0.0.0.0:{GRPC_PORT}", f"0.0.0.0:{METRICS_PORT}")


@pytest.mark.parametrize("name", MANIFESTS)
def test_manifests_fit_together(name: str) -> None:
    found = {document["kind"]: document for document in documents(DEPLOY / "kubernetes" / f"{name}.yaml")}
    assert set(found) == {"ConfigMap", "Service", "Deployment", MANIFESTS[name]}
    config = loaded(found["ConfigMap"]["data"]["sourcier.yaml"], ROOT / "examples" / "shop")
    pod = found["Deployment"]["spec"]["template"]
    [container] = pod["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"grpc": GRPC_PORT, "metrics": METRICS_PORT}
    assert (config.address, config.metrics_address) == (f"0.0.0.0:{GRPC_PORT}", f"0.0.0.0:{METRICS_PORT}")
    assert {port["targetPort"] for port in found["Service"]["spec"]["ports"]} == set(ports)
    assert container["readinessProbe"]["grpc"]["port"] == GRPC_PORT
    assert container["startupProbe"]["grpc"]["port"] == GRPC_PORT
    assert pod["metadata"]["annotations"]["prometheus.io/port"] == str(METRICS_PORT)
    assert pod["spec"]["terminationGracePeriodSeconds"] > config.drain_seconds + config.grace_seconds
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["spec"]["volumes"]}
    labels = pod["metadata"]["labels"]
    assert found["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert found["Service"]["spec"]["selector"] == labels
    if "PodDisruptionBudget" in found:
        assert found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    parsed(container["args"])


@pytest.mark.parametrize("name", ["embedded", "postgres"])
def test_compose_files_fit_the_image(name: str) -> None:
    [compose] = documents(DEPLOY / f"compose.{name}.yaml")
    service = compose["services"]["sourcier"]
    assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).resolve().is_file()
    assert f"{GRPC_PORT}:{GRPC_PORT}" in service["ports"]
    assert f"127.0.0.1:{METRICS_PORT}:{METRICS_PORT}" in service["ports"]
    assert ("SOURCIER_LEDGER_URL" in service.get("environment", {})) == (name == "postgres")
    for part in compose["services"].values():
        for volume in part.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (DEPLOY / source).exists(), source
            else:
                assert source in compose["volumes"]
    [scrape] = documents(DEPLOY / "prometheus" / "prometheus.yaml")
    [job] = scrape["scrape_configs"]
    assert job["static_configs"][0]["targets"] == [f"sourcier:{METRICS_PORT}"]
    assert [(DEPLOY / "prometheus" / rules).is_file() for rules in scrape["rule_files"]] == [True]


def test_the_image_copies_what_there_is() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    copied = [line.split()[1:] for line in text.splitlines() if line.startswith("COPY")]
    sources = [w for words in copied if "--from=build" not in words for w in words[:-1] if w[0] != "-"]
    assert {"router", "server", "deploy/requirements.lock"} <= set(sources)
    assert [source for source in sources if not (ROOT / source).exists()] == []
    kept = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = [line[1:] for line in kept if line.startswith("!")]
    assert [s for s in sources if not any(s == a or s.startswith(a + "/") for a in allowed)] == []
    assert text.index("\nUSER 10001") > text.rindex("\nFROM")
    assert f"EXPOSE {GRPC_PORT} {METRICS_PORT}" in text
    [health] = re.findall(r"^    CMD (\[.*\])$", text, re.MULTILINE)
    [start] = re.findall(r"^CMD (\[.*\])$", text, re.MULTILINE)
    parsed(json.loads(health)[1:])
    parsed(json.loads(start))


def test_the_image_has_the_versions_that_are_tested() -> None:
    def pins(path: Path) -> set[str]:
        return set(re.findall(r"^[a-z0-9-]+==\S+", path.read_text(encoding="utf-8"), re.MULTILINE))

    image = pins(DEPLOY / "requirements.lock")
    assert image < pins(ROOT / "requirements.lock")
    assert {"grpcio", "opentelemetry-sdk", "prometheus-client"} <= {pin.split("==")[0] for pin in image}
    assert "pytest" not in {pin.split("==")[0] for pin in image}


def test_the_unit_starts_the_program() -> None:
    text = (DEPLOY / "systemd" / "sourcier.service").read_text(encoding="utf-8")
    [start] = re.findall(r"^ExecStart=(.+)$", text, re.MULTILINE)
    program, *arguments = start.split()
    assert program.endswith("/bin/sourcier")
    parsed(arguments)
    assert re.findall(r"^User=(\w+)$", text, re.MULTILINE) == ["sourcier"]


def parsed(arguments: list[str]) -> None:
    """Fails when the program does not know a command or an option."""
    command: Any = typer.main.get_command(app)
    context = command.make_context("sourcier", list(arguments), resilient_parsing=False)
    name, found, rest = command.resolve_command(context, [*context._protected_args, *context.args])
    found.make_context(name, rest, parent=context)


def test_a_wrong_command_line_is_seen() -> None:
    for wrong in (["serve", "--confg", "x"], ["server"]):
        with pytest.raises(Exception, match="No such"):
            parsed(wrong)


def queries() -> list[str]:
    dashboard = json.loads((DEPLOY / "grafana" / "sourcier.json").read_text(encoding="utf-8"))
    found = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    [alerts] = documents(DEPLOY / "prometheus" / "alerts.yaml")
    return [*found, *(rule["expr"] for group in alerts["groups"] for rule in group["rules"])]


def test_queries_use_metrics_that_there_are() -> None:
    used = {name for query in queries() for name in NAME.findall(query)}
    assert used - metric_names() == set()
    unused = {name for name, kind, _ in metric_rows() if not any(name in one for one in used)}
    assert unused == {"sourcier_build_info", "sourcier_nodes", "sourcier_skus"}


def test_alerts_name_a_section_of_the_runbook() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    sections = {h.lower().replace(" ", "-") for h in re.findall(r"^## (.+)$", text, re.MULTILINE)}
    [alerts] = documents(DEPLOY / "prometheus" / "alerts.yaml")
    [group] = alerts["groups"]
    for rule in group["rules"]:
        assert rule["annotations"]["runbook"] in sections, rule["alert"]
        assert rule["labels"]["severity"] in {"page", "ticket"}
    assert set(re.findall(r"`(Sourcier[A-Za-z]+)`", text)) <= {r["alert"] for r in group["rules"]}
