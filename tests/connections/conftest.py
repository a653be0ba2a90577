"""A real MCP server for the tests of this folder, and connections to it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from agentos.connections.client import Target
from agentos.connections.models import Server
from agentos.core import db as database
from tests.connections.servers import Served, served
from tests.core.test_outgoing import Ear, listening
from tests.factories import RemoteServerFactory


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("mcp")) as server:
        yield server


@pytest.fixture(scope="session")
def guarding(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("guarded"), "guarded") as server:
        yield server


@pytest.fixture
def guarded(guarding: Served, near: None) -> Served:
    """A server at which people sign in."""
    guarding.clean()
    return guarding


@pytest.fixture
def mcp(running: Served, near: None) -> Served:
    running.clean()
    return running


@pytest.fixture
def near(settings: Any) -> None:
    """Lets connections reach this machine."""
    settings.AGENTOS_ALLOW_PRIVATE_HOSTS = ["127.0.0.1"]


@pytest.fixture
def target(mcp: Served) -> Target:
    return Target("tests", "Tests", url=mcp.url, seconds=10)


@pytest.fixture
def server(db: None, mcp: Served) -> Server:
    """The server as an operator has added it for everybody; nobody has looked at it."""
    return RemoteServerFactory(slug="tests", name="Tests", url=mcp.url)


@pytest.fixture
def ear(near: None) -> Iterator[Ear]:
    with listening() as ear:
        yield ear


@pytest.fixture
def at(near: None) -> Callable[..., Target]:
    return lambda port, **how: Target("odd", "Odd", url=f"http://127.0.0.1:{port}/mcp", **{"seconds": 5, **how})


@pytest.fixture(autouse=True)
def threads_end(request: pytest.FixtureRequest) -> Iterator[None]:
    """End the threads that asked the database for the connections, so that none keeps a connection."""
    yield
    database.close()
