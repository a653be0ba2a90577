"""An open gateway keeps a production from starting; a closed one costs an embedded start nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from agentos.conf import AppSettings
from agentos.gateway import routes
from agentos.gateway.asgi import Gateway
from agentos.gateway.checks import gateway_is_closed
from agentos.gateway.interfaces import ROUTES
from tests.gateway.conftest import PREFIX

ROOT = Path(__file__).resolve().parents[2]

LOADED = """
import sys, site_config.asgi
print([name for name in sys.modules if name.split('.')[0] in {'agno', 'fastapi', 'starlette'}])
"""

START = """
import asyncio, django
django.setup()
from agentos.conf import AppSettings
from agentos.gateway import routes
routes.DENIED = {}
from site_config.asgi import application

async def receive():
    return {"type": "lifespan.startup"}

async def send(message):
    print(message["type"])

asyncio.run(application({"type": "lifespan"}, receive, send))
"""


@pytest.fixture
def undeclared(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if an upgrade of Agno had brought a route that nobody has looked at."""
    monkeypatch.setattr(routes, "DENIED", {path: methods for path, methods in routes.DENIED.items() if path != "/registry"})


class TestAClosedGateway:
    def test_is_nothing_to_complain_about(self) -> None:
        assert gateway_is_closed() == []

    async def test_lets_the_server_start(self) -> None:
        await Gateway(PREFIX).check()

    def test_is_looked_at_by_the_checks_for_a_deployment(self) -> None:
        assert gateway_is_closed in checks.registry.registry.get_checks(include_deployment_checks=True)
        assert gateway_is_closed not in checks.registry.registry.get_checks()


@pytest.mark.usefixtures("undeclared")
class TestAnOpenGateway:
    def test_is_an_error(self) -> None:
        (found,) = gateway_is_closed()
        assert (found.level, found.id) == (checks.ERROR, "agentos.E001")
        assert found.msg == "GET /registry of Agno's server is not declared."

    async def test_keeps_the_server_from_starting(self) -> None:
        with pytest.raises(ImproperlyConfigured, match="GET /registry"):
            await Gateway(PREFIX).check()

    @override_settings(AGENTOS_GATEWAY=False)
    def test_is_none_when_it_is_switched_off(self) -> None:
        assert gateway_is_closed() == []
        assert not Gateway(PREFIX).serves(f"{PREFIX}/agents")

    def test_is_one_whose_routes_need_no_scope(self, monkeypatch: pytest.MonkeyPatch) -> None:
        bare = routes.Route("GET", "/registry", "")
        monkeypatch.setattr("agentos.gateway.server.routes", lambda: (*routes.ALLOWED, bare))
        assert "/registry is open to any token." in [found.msg for found in gateway_is_closed()]


class TestARoute:
    @pytest.mark.parametrize(
        ("method", "path", "named"),
        [
            ("GET", "/agents/a.b-c", {"id": "a.b-c"}),
            ("POST", "/agents/a", None),
            ("GET", "/agents/a/runs", None),
            ("GET", "/agents/", None),
            ("GET", f"/agents/{'a' * 300}", {"id": "a" * 300}),
            ("GET", f"/agents/{'a' * 301}", None),
        ],
    )
    def test_takes_one_name_for_each_of_its_places(self, method: str, path: str, named: dict[str, str] | None) -> None:
        found = routes.match([routes.Route("GET", "/agents/{id}", "")], method, path)
        assert (found and found[1]) == named


class TestInterfaces:
    def test_are_those_that_the_setting_takes(self) -> None:
        assert sorted(ROUTES) == sorted(AppSettings.INTERFACES.choices)


@pytest.mark.server
class TestTheSite:
    def environment(self, tmp_path: Path) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "site_config.settings",
            "AGENTOS_DATA_DIR": str(tmp_path),
            "SECRET_KEY": "x1" * 30,
            "ALLOWED_HOSTS": "example.com",
            "AGENTOS_LOCAL_MODEL": "0",
        }

    def test_does_not_load_agnos_server_to_start(self, tmp_path: Path) -> None:
        environment = self.environment(tmp_path) | {"AGENTOS_LOCAL": "1"}
        done = subprocess.run(
            [sys.executable, "-c", LOADED], cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60
        )
        assert done.stdout.strip() == "[]"

    def test_refuses_to_be_a_production_with_an_open_gateway(self, tmp_path: Path) -> None:
        done = subprocess.run(
            [sys.executable, "-c", START],
            cwd=ROOT,
            env=self.environment(tmp_path),
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert done.stdout.strip() == "lifespan.startup.failed"
        assert "is not declared" in done.stderr
