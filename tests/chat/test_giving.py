"""Files on their way from a chat to its model and back again in later turns, by the engine, with the script that says what it was given."""

import base64
from io import BytesIO
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from PIL import Image

from agentos.access.actions import change_preferences
from agentos.access.models import User
from agentos.agents import failures
from agentos.chat import actions, queries
from agentos.chat.errors import InvalidInput
from agentos.chat.files import attachment_for, of_message, place_of
from agentos.chat.models import ChatSession, Run, RunFile
from agentos.chat.recordings import words_of
from agentos.chat.runs.engine import Engine
from agentos.files import storage
from agentos.files.actions import attach
from agentos.files.errors import NotReached
from agentos.files.keeping import keep_bytes
from agentos.files.models import Attachment
from tests.agents.fakes import Exchange, FakeServer
from tests.agents.web import Site, answer
from tests.chat.test_engine import ended
from tests.core.files import pdf
from tests.factories import AgentFactory
from tests.speech.test_listening import SENTENCE


def picture(width: int = 640, height: int = 480) -> bytes:
    out = BytesIO()
    Image.new("RGB", (width, height), (200, 30, 30)).save(out, "PNG")
    return out.getvalue()


def kept(user: User, session: ChatSession, name: str, data: bytes) -> Attachment:
    return attach(by=user, blob=keep_bytes(owner=user, data=data, name=name), name=name, place=place_of(session=session))


def chat_with(model: str, member: User, **more: Any) -> ChatSession:
    return actions.create_session(agent=AgentFactory(model=model, is_global=True, **more), by=member)


def send(session: ChatSession, member: User, *files: Attachment, text: str = "Look") -> Run:
    return actions.send_message(by=member, text=text, session=session, files=[each.file_id for each in files])


@sync_to_async
def asking(session: ChatSession, member: User, *named: tuple[str, bytes], text: str = "Look") -> Run:
    return send(session, member, *(kept(member, session, *each) for each in named), text=text)


async def said(run: Run) -> str:
    found = await ended(run)
    assert found.status == Run.Status.COMPLETED, (found.status, found.error_code)
    return found.answer


class TestFiles:
    async def test_reach_the_model_and_their_pictures_again_in_the_next_turns(self, engine: Engine, member: User) -> None:
        session = await sync_to_async(chat_with)("scripted:given", member)
        answer = await said(await asking(session, member, ("shot.png", picture()), ("report.pdf", pdf(3))))
        assert "It was given a picture, 640 x 480 and report.pdf of 3 pages." in answer
        for again in ("It was shown 1 picture again.",) * 3 + ("nothing but words.",):
            assert (await said(await asking(session, member, text="And now?"))).endswith(again)

    async def test_become_text_where_the_model_reads_no_pdf(self, engine: Engine, member: User) -> None:
        session = await sync_to_async(chat_with)("scripted:echo", member)
        answer = await said(await asking(session, member, ("report.pdf", pdf(1, said="Tea is grown in Assam.")), ("n.csv", b"a,b\n1,2\n")))
        assert "Tea is grown in Assam." in answer
        assert '<attached_file name="n.csv"' in answer

    async def test_that_cannot_be_read_are_told_of(self, engine: Engine, member: User) -> None:
        session = await sync_to_async(chat_with)("scripted:echo", member)
        answer = await said(await asking(session, member, ("report.pdf", b"%PDF-1.7\nnothing of use")))
        assert "[file: report.pdf: This file is damaged or not what its name says." in answer

    async def test_are_tried_again_with_the_message(self, engine: Engine, member: User) -> None:
        session = await sync_to_async(chat_with)("scripted:given", member)
        run = await asking(session, member, ("shot.png", picture()))
        await said(run)
        again = await sync_to_async(actions.retry_run)(run=await ended(run), by=member)
        assert "a picture, 640 x 480" in await said(again)


@pytest.mark.django_db
class TestAreRefused:
    def test_before_they_are_sent(self, member: User) -> None:
        session = chat_with("scripted:echo", member, model_options={"sees": False})
        waiting = kept(member, session, "shot.png", picture())
        with pytest.raises(InvalidInput, match="This agent's model cannot see pictures") as refused:
            send(session, member, waiting)
        assert refused.value.field == "files"
        assert not Run.objects.exists()
        waiting.refresh_from_db()
        assert waiting.place  # it still stands with the message
        assert send(session, member, kept(member, session, "n.txt", b"words"))

    def test_by_the_model_that_was_chosen(self, member: User) -> None:
        session = chat_with("scripted:echo", member, choices=["openai:gpt-3.5-turbo"], model_options={"sees": True})
        waiting = kept(member, session, "shot.png", picture())
        with pytest.raises(InvalidInput, match="cannot see"):
            actions.send_message(by=member, text="Look", session=session, files=[waiting.file_id], model="openai:gpt-3.5-turbo")

    def test_when_an_answer_is_tried_again_with_a_blind_model(self, member: User) -> None:
        session = chat_with("scripted:echo", member, choices=["openai:gpt-3.5-turbo"])
        run = send(session, member, kept(member, session, "shot.png", picture()))
        Run.objects.filter(pk=run.pk).update(status=Run.Status.COMPLETED)
        run.refresh_from_db()
        with pytest.raises(InvalidInput, match="cannot see"):
            actions.retry_run(run=run, by=member, model="openai:gpt-3.5-turbo")

    def test_a_text_chat_costs_no_query_more(self, member: User) -> None:
        session = chat_with("scripted:echo", member)
        first = send(session, member)
        Run.objects.filter(pk=first.pk).update(status=Run.Status.COMPLETED)
        second = send(session, member)
        with CaptureQueriesContext(connection) as asked:
            turns, files = queries.history_with_files(second, 20)
        assert (len(turns), files, len(asked)) == (1, {}, 1)


async def test_a_file_that_cannot_be_read_fails_the_turn_in_words(engine: Engine, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model is not asked about what it does not see."""

    def away(_name: str) -> bytes:
        raise NotReached

    session = await sync_to_async(chat_with)("scripted:given", member)
    monkeypatch.setattr(storage, "fetch", away)
    failed = await ended(await asking(session, member, ("shot.png", picture())))
    assert (failed.status, failed.error_code) == (Run.Status.FAILED, "files_away")
    assert "could not be read at the moment" in failures.sentence("files_away")
    monkeypatch.undo()
    assert "It was given a picture" in await said(await asking(session, member, ("shot.png", picture())))


class TestARefusalOfTheProvider:
    """One picture must not poison the chat."""

    async def test_fails_the_turn_and_is_left_out_afterwards(self, engine: Engine, member: User, settings: Any) -> None:
        async def behaviour(exchange: Exchange) -> None:
            if "image_url" in str(exchange.body):
                await exchange.refuse(400, {"error": {"message": "Invalid image data."}})
            else:
                await exchange.say("Fine.")

        async with FakeServer(behaviour) as server:
            settings.AGENTOS_OPENAI_LIKE_URL = server.url + "/v1"
            session = await sync_to_async(chat_with)("openai-like:m", member)
            failed = await ended(await asking(session, member, ("shot.png", picture())))
            assert (failed.status, failed.error_code) == (Run.Status.FAILED, "media_refused")
            assert await said(await asking(session, member, text="Without, then.")) == "Fine."
            assert "[attached: shot.png]" in str(server.asked.body)

    async def test_of_one_of_earlier_turns_is_asked_again_without(self, engine: Engine, member: User, settings: Any) -> None:
        """As when another model answers now, which takes less than the one before."""
        blind = False

        async def behaviour(exchange: Exchange) -> None:
            if blind and "image_url" in str(exchange.body):
                await exchange.refuse(400, {"error": {"message": "This model does not support image input."}})
            else:
                await exchange.say("Fine.")

        async with FakeServer(behaviour) as server:
            settings.AGENTOS_OPENAI_LIKE_URL = server.url + "/v1"
            session = await sync_to_async(chat_with)("openai-like:m", member)
            assert await said(await asking(session, member, ("shot.png", picture()))) == "Fine."
            blind = True
            assert await said(await asking(session, member, text="And now?")) == "Fine."
            assert "[picture: shot.png, 640 x 480]" in str(server.asked.body)


class TestMade:
    """What tools and models make stands with the answer."""

    async def test_by_a_tool_is_kept_with_the_answer_and_shown(self, engine: Engine, member: User, as_member: Client) -> None:
        session = await sync_to_async(chat_with)("scripted:calls", member, tools=["image"])
        run = await ended(await asking(session, member, text='make_image {"prompt": "A cup of tea", "shape": "landscape"}'))
        assert run.parts[0]["status"] == "finished", run.parts

        def look() -> None:
            row = RunFile.objects.get(run=run)
            blob = row.attachment.blob
            assert (row.origin, row.attachment.name, blob.kind) == ("tool", "A-cup-of-tea.png", "picture")
            assert (blob.width, blob.height, row.attachment.owner) == (768, 512, member)
            html = as_member.get(f"/agentos/session/{session.session_id}/").content.decode()
            assert row.attachment.file_id in html
            assert attachment_for(member, row.attachment.file_id)

        await sync_to_async(look)()

    async def test_by_a_tool_counts_with_the_users_files(self, engine: Engine, member: User, settings: Any) -> None:
        settings.AGENTOS_FILES_MB = 0
        session = await sync_to_async(chat_with)("scripted:calls", member, tools=["image"])
        run = await ended(await asking(session, member, text='make_image {"prompt": "A cup of tea"}'))
        assert run.parts[0]["status"] == "failed"
        assert not await RunFile.objects.aexists()

    async def test_by_a_model_is_an_answer(self, engine: Engine, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
        """As OpenRouter gives pictures: beside the text, or without any."""

        async def behaviour(exchange: Exchange) -> None:
            await exchange.start()
            url = f"data:image/png;base64,{base64.b64encode(picture(32, 24)).decode()}"
            if "Paint" in str(exchange.body["messages"][-1]):
                await exchange.delta(role="assistant", content="", images=[{"type": "image_url", "image_url": {"url": url}}])
            else:
                await exchange.delta(role="assistant", content="Fine.")
            await exchange.done()

        async with FakeServer(behaviour) as server:
            monkeypatch.setenv("OPENROUTER_API_KEY", "key-of-a-test")
            monkeypatch.setattr("agentos.agents.runtime.models._extras", lambda _slug: {"base_url": server.url + "/v1"})
            session = await sync_to_async(chat_with)("openrouter:google/gemini-3-image", member)
            run = await ended(await asking(session, member, text="Paint tea."))
            assert (run.status, run.answer) == (Run.Status.COMPLETED, ""), run.error_code
            row = await RunFile.objects.select_related("attachment__blob").aget(run=run)
            assert (row.origin, row.attachment.name, row.attachment.blob.width) == ("model", "picture.png", 32)
            assert await said(await asking(session, member, text="And now?")) == "Fine."
            assert server.asked.body["messages"][-2]["content"] == "(a picture, which the user was shown)"


class TestRecordings:
    """Of which nothing but the words reaches a model that does not hear."""

    async def test_become_what_is_said_in_them_once(self, engine: Engine, member: User, settings: Any) -> None:
        settings.AGENTOS_SCRIPTED_MODELS = True
        session = await sync_to_async(chat_with)("scripted:echo", member)
        run = await asking(session, member, ("memo.webm", SENTENCE))
        answer = await said(run)
        assert '<recording name="memo.webm">\nThis is a rehearsal' in answer
        (row,) = await sync_to_async(of_message)(run)
        assert (row.blob.transcript or "").startswith("This is a rehearsal")

    async def test_are_in_the_language_that_their_owner_speaks(self, member: User, settings: Any) -> None:
        await sync_to_async(change_preferences)(by=member, language="de")
        async with Site() as site:
            settings.AGENTOS_SPEECH_URL = site.url
            site.pages["/audio/transcriptions"] = answer(b'{"text": "Ja."}', kind="application/json")
            blob = await sync_to_async(keep_bytes)(owner=member, data=SENTENCE, name="memo.webm")
            assert await words_of(blob) == "Ja."
        assert b'name="language"\r\n\r\nde\r\n' in site.asked[0].body

    async def test_whose_words_are_in_the_message_are_not_told_twice(self, engine: Engine, member: User, settings: Any) -> None:
        settings.AGENTOS_SCRIPTED_MODELS = True
        session = await sync_to_async(chat_with)("scripted:echo", member)
        text = "So: This is a rehearsal:  nobody has listened.\nWhat can you do?"
        answer = await said(await asking(session, member, ("memo.webm", SENTENCE), text=text))
        assert "[recording: memo.webm: its words are those of this message]" in answer

    async def test_of_nothing_say_so(self, engine: Engine, member: User, settings: Any) -> None:
        settings.AGENTOS_SCRIPTED_MODELS = True
        session = await sync_to_async(chat_with)("scripted:echo", member)
        assert "[recording: memo.webm: nobody speaks in it]" in await said(await asking(session, member, ("memo.webm", SENTENCE[:300])))

    async def test_go_as_they_are_to_who_hears(self, engine: Engine, member: User) -> None:
        session = await sync_to_async(chat_with)("scripted:given", member)
        run = await asking(session, member, ("memo.webm", SENTENCE))
        assert "recording" in await said(run)
        (row,) = await sync_to_async(of_message)(run)
        assert row.blob.transcript is None
