"""The gateway in the test's own loop, with tokens for the cast; and the same behind a real socket, for real clients."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import uvicorn
from asgiref.sync import sync_to_async

from agentos.access import actions as access
from agentos.access.models import User
from agentos.access.tokens import SCOPES
from agentos.chat.runs.engine import Engine
from agentos.gateway.asgi import Gateway
from tests.conftest import signed_in

PREFIX = "/api/v1/agentos/fastapi"


def token_for(user: User, *scopes: str) -> str:
    """Return the text of a fresh token, with every scope unless some are named."""
    _, secret = access.create_token(by=user, name="test", scopes=list(scopes or SCOPES), days=1)
    return secret


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


async def until(what: Callable[[], Any], seconds: float = 10) -> Any:
    """Return what ``what`` gives as soon as it is true."""
    async with asyncio.timeout(seconds):
        while not (found := await what()):
            await asyncio.sleep(0.02)
    return found


@pytest.fixture(scope="session")
def agno_app() -> Any:
    from agentos.gateway.server import build

    return build()


@pytest.fixture
async def gateway(agno_app: Any) -> AsyncIterator[Gateway]:
    gateway = Gateway(PREFIX)
    gateway.app = agno_app
    yield gateway
    await gateway.close()


@pytest.fixture
async def http(gateway: Gateway, transactional_db: None) -> AsyncIterator[httpx.AsyncClient]:
    app: Any = gateway
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://testserver{PREFIX}") as client:
        yield client


@pytest.fixture
async def address(gateway: Gateway, engine: Engine) -> AsyncIterator[str]:
    """Where the gateway listens: a real server, in the test's own loop and over its tables."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(gateway, lifespan="off", log_config=None, ws="none")
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}{PREFIX}"
        server.should_exit = server.force_exit = True
        await serving


@pytest.fixture
def cookie_of() -> Callable[[User], dict[str, str]]:
    return lambda user: {"Cookie": "; ".join(f"{name}={morsel.value}" for name, morsel in signed_in(user).cookies.items())}


@pytest.fixture
async def client(address: str) -> AsyncIterator[Any]:
    """Agno's own client, unchanged."""
    from agno.client import AgentOSClient
    from agno.utils.http import aclose_default_clients

    yield AgentOSClient(base_url=address)
    await aclose_default_clients()  # they belong to this test's loop


@pytest.fixture
async def headers(owner: User) -> dict[str, str]:
    """Those of the owner, with every scope."""
    return bearer(await sync_to_async(token_for)(owner))
