"""What the files in deploy/ say: settings that there are, times that fit, addresses that answer."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from agentos.conf import AppSettings
from site_config.env import SETTINGS
from tests.deploy.conftest import DEPLOY
from tests.server import ROOT

OF_OTHERS = {"PATH", "WITH_PG_DUMP", "PYTHONPYCACHEPREFIX", "SITE", "POSTGRES_PASSWORD", "OPENAI_API_KEY", "LISTEN_PID"}
PROVIDED_BY_COMPOSE = {"POSTGRES_USER", "POSTGRES_DB"}


def names_in(path: Path) -> set[str]:
    """Return the environment variables that a file sets."""
    return set(re.findall(r"(?:^|[\s{#]|Environment=|name: )([A-Z][A-Z_]{3,})(?=[=:]|, value)", path.read_text(), re.MULTILINE))


@pytest.mark.parametrize(
    "name",
    [
        "agentos.env",
        ".env.example",
        "Dockerfile",
        "compose.yaml",
        "systemd/agentos.service",
        "systemd/agentos-worker@.service",
        "kubernetes/agentos.yaml",
    ],
)
def test_settings_are_ours(name: str) -> None:
    found = names_in(DEPLOY / name) - OF_OTHERS - PROVIDED_BY_COMPOSE
    assert found, name
    assert found - {"DJANGO_SETTINGS_MODULE"} <= SETTINGS.keys()


def test_proxies_wait_longer_than_an_answer_takes() -> None:
    longest = AppSettings.RUN_TIMEOUT.default
    (nginx,) = re.findall(r"proxy_read_timeout (\d+)s;", (DEPLOY / "nginx/agentos.conf").read_text())
    (ingress,) = re.findall(r'proxy-read-timeout: "(\d+)"', (DEPLOY / "kubernetes/agentos.yaml").read_text())
    assert int(nginx) > longest
    assert int(ingress) > longest


def test_whoever_stops_the_server_waits_longer_than_it_takes() -> None:
    grace = AppSettings.GRACE_SECONDS.default
    (systemd,) = re.findall(r"TimeoutStopSec=(\d+)", (DEPLOY / "systemd/agentos.service").read_text())
    (compose,) = re.findall(r"stop_grace_period: (\d+)s", (DEPLOY / "compose.yaml").read_text())
    (kubernetes,) = re.findall(r"terminationGracePeriodSeconds: (\d+)", (DEPLOY / "kubernetes/agentos.yaml").read_text())
    assert min(int(systemd), int(compose), int(kubernetes)) > grace + 2


def test_the_kinds_of_kubernetes_fit_together() -> None:
    secret, deployment, service, ingress = yaml.safe_load_all((DEPLOY / "kubernetes/agentos.yaml").read_text())
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["envFrom"] == [{"secretRef": {"name": secret["metadata"]["name"]}}]
    assert service["spec"]["selector"] == deployment["spec"]["template"]["metadata"]["labels"]
    (path,) = ingress["spec"]["rules"][0]["http"]["paths"]
    assert path["backend"]["service"]["name"] == service["metadata"]["name"]
    assert {container[probe]["httpGet"]["path"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")} == {"/healthz", "/readyz"}


def test_compose_names_files_and_services_that_there_are() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = compose["services"]
    assert (DEPLOY / services["web"]["build"]["context"]).resolve() == ROOT
    assert (ROOT / services["web"]["build"]["dockerfile"]).exists()
    for service in services.values():
        assert set(service.get("depends_on", ())) <= services.keys()
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert source in compose["volumes"] or (DEPLOY / source).exists()
    assert "web 8000" in (DEPLOY / "caddy/compose.Caddyfile").read_text()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not on this machine")
def test_systemd_understands_its_units(tmp_path: Path) -> None:
    for unit in (DEPLOY / "systemd").iterdir():
        text = unit.read_text().replace("/opt/agentos/bin/agentos", sys.executable)
        (tmp_path / unit.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, sorted(tmp_path.iterdir()))], capture_output=True, text=True, check=False
    )
    ours = [line for line in done.stderr.splitlines() if "agentos" in line]
    assert not ours
