"""Pictures, files and recordings in the messages of the openai package, and sources in the answers that it gets."""

import io
import json
import wave
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI

from agentos.api.openai.parsing import AgentRequest
from agentos.api.openai.responses.serializers import EventWriter, items_of, response_of
from agentos.api.openai.serializers import ChunkWriter, completion
from agentos.chat.models import Run
from tests.api.openai.server import Server
from tests.factories import RunFactory
from tests.files import made


def data_uri(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{b64encode(data).decode()}"


def sound() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0\0" * 8000)
    return out.getvalue()


PICTURE = data_uri(made.picture(), "image/jpeg")
LOOK: Any = [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": PICTURE}}]
READ: Any = [{"type": "file", "file": {"file_data": data_uri(made.NOTES, "text/plain"), "filename": "notes.txt"}}]
HEAR: Any = [{"type": "input_audio", "input_audio": {"data": b64encode(sound()).decode(), "format": "wav"}}]


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


def ask(client: OpenAI, *messages: Any, **more: Any) -> str:
    said = client.chat.completions.create(model="given", messages=list(messages), **more).choices[0].message.content or ""
    return said.removeprefix("This is a scripted model. ")


def loose(server: Server) -> list[dict[str, Any]]:
    """The files that go with no message."""
    return server.sql("SELECT id FROM files_attachment WHERE sweep_after IS NOT NULL ORDER BY id")


@pytest.mark.server
class TestCompletions:
    def test_give_the_model_what_was_sent_and_keep_nothing(self, ada: OpenAI, server: Server) -> None:
        said = ask(ada, user(*LOOK, *READ, *HEAR))
        assert said == "It was given a picture, 400 x 200, a recording of 1.0 s and notes.txt of 1 page."
        assert ask(ada, user(*LOOK), {"role": "assistant", "content": "Yes."}, user({"type": "text", "text": "And now?"})) == (
            "It was given a picture, 400 x 200."
        )
        kept = "SELECT f.id FROM chat_runfile f JOIN chat_run r ON r.id = f.run_id JOIN chat_chatsession s ON s.id = r.session_id"
        assert server.sql(f"{kept} WHERE s.is_ephemeral") == []

    def test_in_a_chat_they_are_files_of_the_message_and_sent_once(self, ada: OpenAI, server: Server) -> None:
        session, before = server.sessions["given"][0], loose(server)
        headers = {"X-Session-ID": session, "Idempotency-Key": "look-1"}
        first = ask(ada, user(*LOOK), extra_headers=headers)
        assert ask(ada, user(*LOOK), extra_headers=headers) == first == "It was given a picture, 400 x 200."
        (turn,) = server.turns(session)
        assert (turn["input"], turn["file_count"]) == ("Look", 1)
        assert loose(server) == before
        with pytest.raises(openai.UnprocessableEntityError):
            ask(ada, user(*LOOK, *READ), extra_headers=headers)

    def test_take_a_file_that_is_here_by_its_id(self, ada: OpenAI, server: Server, client: Callable[..., OpenAI]) -> None:
        headers = {"Authorization": f"Bearer {server.tokens['ada']}", "Content-Type": "application/octet-stream"}
        url = f"{server.origin}/api/v1/agentos/files/?name=notes.txt"
        file = {"type": "file", "file": {"file_id": httpx.post(url, content=made.NOTES, headers=headers).json()["id"]}}
        with pytest.raises(openai.BadRequestError, match="file"):
            ask(client("bob"), user(file))  # it is ada's
        assert ask(ada, user(file)) == "It was given notes.txt of 1 page."

    def test_take_more_than_other_requests_and_not_all(self, ada: OpenAI) -> None:
        large = {"type": "file", "file": {"file_data": b64encode(b"Line.\n" * 400_000).decode(), "filename": "long.txt"}}
        assert ask(ada, user(large)).startswith("It was given long.txt of ")
        with pytest.raises(openai.APIStatusError) as refused:
            ask(ada, user(*[large] * 4))
        assert refused.value.status_code == 413

    @pytest.mark.parametrize(
        ("part", "words"),
        [
            ({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}, "not fetched"),
            ({"type": "image_url", "image_url": {"url": "data:image/png;base64,###"}}, "no data URI"),
            ({"type": "image_url", "image_url": {"url": data_uri(b"%PDF-1.4", "image/png")}}, "not what its name says"),
            ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "flac"}}, "wav, mp3"),
            ({"type": "file", "file": {"filename": "a.txt"}}, "no data URI"),
            ({"type": "file", "file": None}, "needs an object"),
        ],
    )
    def test_refuse_in_words(self, ada: OpenAI, part: Any, words: str) -> None:
        with pytest.raises(openai.APIStatusError, match=words) as refused:
            ask(ada, user({"type": "text", "text": "Look"}, part))
        assert refused.value.body["param"] == "messages.0.content"  # type: ignore[index]

    def test_refuse_what_the_model_does_not_take(self, ada: OpenAI, server: Server) -> None:
        before = loose(server)
        packed = {"type": "file", "file": {"filename": "a.zip", "file_data": b64encode(made.archive(**{"a.txt": b"A"})).decode()}}
        with pytest.raises(openai.BadRequestError, match="Unpack it"):
            ask(ada, user(*LOOK, packed))
        assert loose(server) == before


@pytest.mark.server
def test_responses_take_pictures_and_files(ada: OpenAI) -> None:
    parts: Any = [
        {"type": "input_text", "text": "Look"},
        {"type": "input_image", "image_url": PICTURE, "detail": "auto"},
        {"type": "input_file", "filename": "notes.txt", "file_data": data_uri(made.NOTES, "text/plain")},
    ]
    first = ada.responses.create(model="given", input=[{"role": "user", "content": parts}])
    assert first.output_text.endswith("It was given a picture, 400 x 200 and notes.txt of 1 page.")
    kept: Any = ada.responses.input_items.list(first.id).data[0]
    assert [part.type for part in kept.content] == ["input_text", "input_image", "input_file"]
    with ada.responses.stream(model="given", input=[{"role": "user", "content": parts[1:2]}], previous_response_id=first.id) as stream:
        assert "a picture, 400 x 200" in stream.get_final_response().output_text
    with pytest.raises(openai.BadRequestError, match="not fetched"):
        ada.responses.create(
            model="given", input=[{"role": "user", "content": [{"type": "input_file", "file_url": "https://example.com/a.pdf"}]}]
        )


SOURCE = {"n": 1, "document": 7, "title": "rules.pdf", "base": "House", "unit": "page", "page": 3, "heading": "Quiet", "start": 0, "end": 5}
SHOWN = {"kind": "sources", "sources": [{**SOURCE, "excerpt": "From ten on.", "url": ""}]}
CALL = {"kind": "tool", "call_id": "c", "name": "search_knowledge", "args": {}, "status": "finished", "result": "R", "seconds": 0.1}
PARTS = [{**CALL, "shown": SHOWN}, {"kind": "text", "text": "At ten [1], not [2]."}]
SITE = "https://chat.example.com"
WHERE = f"{SITE}/agentos/knowledge/documents/7/?page=3&from=0&to=5#passage"
CITED = {"start_index": 7, "end_index": 10, "title": "rules.pdf", "url": WHERE}


@pytest.mark.django_db
class TestSources:
    @pytest.fixture
    def run(self) -> Run:
        made: Run = RunFactory(parts=PARTS, answer="At ten [1], not [2].", status="completed")
        return made

    def test_are_annotations_of_a_completion_and_of_its_stream(self, run: Run) -> None:
        message = completion(run, SITE).choices[0].message
        assert json.loads(message.model_dump_json())["annotations"] == [{"type": "url_citation", "url_citation": CITED}]
        writer = ChunkWriter(run, AgentRequest(model="a", message="Q"), SITE)
        frames = b"".join([*writer.new(run.parts), *writer.finish(run)]).decode()
        deltas = [json.loads(line[6:])["choices"][0]["delta"] for line in frames.splitlines() if line.startswith("data: {")]
        assert [delta["annotations"] for delta in deltas if "annotations" in delta] == [
            [{"index": 0, "type": "url_citation", "url_citation": CITED}]
        ]

    def test_are_annotations_of_a_response_and_of_its_stream(self, run: Run) -> None:
        cited = {"type": "url_citation", **CITED}
        (item,) = response_of(run, items_of(run, site=SITE))["output"]
        assert item["content"][0]["annotations"] == [cited]
        writer = EventWriter(run, SITE)
        frames = b"".join([*writer.new(run.parts), *writer.finish(run)]).decode()
        events = [json.loads(line[6:]) for line in frames.splitlines() if line.startswith("data: ")]
        (added,) = [event for event in events if event["type"] == "response.output_text.annotation.added"]
        assert (added["annotation"], added["annotation_index"], added["content_index"]) == (cited, 0, 0)
        assert events[-1]["response"]["output"] == [item]
