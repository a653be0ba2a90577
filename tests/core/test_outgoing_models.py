"""A model server of the operator's: it may be private itself, where it sends us on to may not."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from agentos.agents import runtime
from agentos.agents.runtime import models
from tests.agents.fakes import play
from tests.core.test_outgoing import PLAIN_ANSWER, listening


@pytest.fixture(autouse=True)
async def closed() -> AsyncIterator[None]:
    yield
    await runtime.close()


class TestAModelServer:
    async def test_that_redirects_to_another_private_address_gets_nothing_asked_there(self, settings: Any) -> None:
        with listening() as server, listening("127.0.0.2") as other:
            settings.AGENTOS_OPENAI_LIKE_URL = f"http://127.0.0.1:{server.port}/v1"
            server.answers = [
                f"HTTP/1.1 307 On\r\nLocation: http://127.0.0.2:{other.port}/\r\nContent-Length: 0\r\n\r\n".encode(),
                PLAIN_ANSWER,
            ]
            events = await play("openai-like:m", "Hello")
            assert events[-1].kind == "failed"
            assert server.connections >= 1
            assert other.connections == 0

    @pytest.mark.parametrize(
        ("environment", "guarded"),
        [
            ({}, True),
            ({"HTTP_PROXY": "http://proxy.example:3128"}, False),
            ({"HTTP_PROXY": "http://proxy.example:3128", "NO_PROXY": "llm.lan"}, True),
        ],
    )
    def test_behind_the_proxy_of_the_environment_is_asked_through_the_proxy(
        self, environment: dict[str, str], guarded: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        assert bool(models._guarded("http://llm.lan:1234/v1")) is guarded
