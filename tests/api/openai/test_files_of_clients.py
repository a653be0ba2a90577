"""The openai packages, Python's and npm's, as their users use them: a picture and a file go to an agent, and the sources of its answer are
read back as ``annotations``, whole and from a stream."""

import json
from typing import Any

import pytest
from openai import OpenAI

from tests import npm
from tests.api.openai.server import Server
from tests.api.openai.test_files import LOOK, READ, user

pytestmark = pytest.mark.server

GIVEN = "It was given a picture, 400 x 200 and notes.txt of 1 page."
SEARCH = 'search_knowledge {"query": "When may I play the trombone?"}'


@pytest.fixture(scope="module")
def keeper(server: Server) -> str:
    """An agent that cites what it finds."""
    server.run_module("tests.api.openai.knowledge_seed")
    return "keeper"


def check(annotations: list[dict[str, Any]], text: str, server: Server) -> None:
    """Each is a place in the text that cites, with where that leads."""
    assert annotations
    for each in annotations:
        cited = each.get("url_citation", each)
        assert text[cited["start_index"] : cited["end_index"]] == "[1]"
        assert cited["url"].startswith(f"{server.origin}/agentos/knowledge/documents/")


class TestPython:
    def test_sends_a_picture_and_a_file(self, ada: OpenAI) -> None:
        answer = ada.chat.completions.create(model="given", messages=[user(*LOOK, *READ)])  # type: ignore[list-item]
        assert (answer.choices[0].message.content or "").endswith(GIVEN)

    def test_reads_sources_back(self, ada: OpenAI, keeper: str, server: Server) -> None:
        message: Any = ada.chat.completions.create(model=keeper, messages=[{"role": "user", "content": SEARCH}]).choices[0].message
        check([each.model_dump() for each in message.annotations], message.content, server)

    def test_reads_sources_of_a_stream_back(self, ada: OpenAI, keeper: str, server: Server) -> None:
        with ada.chat.completions.stream(model=keeper, messages=[{"role": "user", "content": SEARCH}]) as stream:
            message: Any = stream.get_final_completion().choices[0].message
        check([each if isinstance(each, dict) else each.model_dump() for each in message.annotations], message.content, server)

    def test_reads_sources_of_responses_back(self, ada: OpenAI, keeper: str, server: Server) -> None:
        whole: Any = ada.responses.create(model=keeper, input=SEARCH)
        with ada.responses.stream(model=keeper, input=SEARCH) as stream:
            streamed: Any = stream.get_final_response()
        for response in (whole, streamed):
            (said,) = [item for item in response.output if item.type == "message"]
            check([each.model_dump() for each in said.content[0].annotations], said.content[0].text, server)


class TestNpm:
    def test_does_all_of_it_too(self, keeper: str, server: Server) -> None:
        env = {
            "BASE_URL": server.url,
            "TOKEN": server.tokens["ada"],
            "AGENT": keeper,
            "SEARCH": SEARCH,
            "PARTS": json.dumps([*LOOK, *READ]),
        }
        found = npm.run(npm.program("files"), environment=env)
        assert found["given"].endswith(GIVEN)
        assert found["responded"].endswith(GIVEN)
        assert set(found["cited"]) == {"created", "streamed", "responded", "respondedStreamed"}
        for said in found["cited"].values():
            check(said["annotations"], said["text"], server)
