"""The server that the openai package calls."""

from collections.abc import Callable, Iterator

import pytest
from openai import AsyncOpenAI, OpenAI

from tests.api.openai.server import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(tmp_path_factory.mktemp("openai"))
    yield started
    started.stop()


@pytest.fixture
def client(server: Server) -> Iterator[Callable[..., OpenAI]]:
    """``client("ada")``: the sync client with this person's token. It repeats nothing by itself unless it is told to."""
    opened: list[OpenAI] = []

    def of(person: str, **options: object) -> OpenAI:
        made = OpenAI(base_url=server.url, api_key=server.tokens.get(person, person), **{"max_retries": 0, **options})  # type: ignore[arg-type]
        opened.append(made)
        return made

    yield of
    for made in opened:
        made.close()


@pytest.fixture
def ada(client: Callable[..., OpenAI]) -> OpenAI:
    return client("ada")


@pytest.fixture
def aclient(server: Server) -> Callable[..., AsyncOpenAI]:
    def of(person: str) -> AsyncOpenAI:
        return AsyncOpenAI(base_url=server.url, api_key=server.tokens[person], max_retries=0)

    return of
