"""What pages may do with microphones, what their scripts are told, and how a recording becomes words."""

from typing import Any

import pytest
from django.test import Client

from agentos.access import actions
from agentos.access.models import User
from agentos.chat.files import place_of
from agentos.chat.models import ChatSession
from agentos.files.actions import attach
from agentos.files.keeping import keep_bytes
from agentos.files.models import Attachment
from agentos.speech import local
from tests.html import page
from tests.speech.test_listening import SENTENCE

pytestmark = pytest.mark.django_db(transaction=True)

VOICE, FILES = "/agentos/voice/", "/agentos/files/"


@pytest.fixture
def recording(session: ChatSession) -> Attachment:
    owner = session.user
    return attach(
        by=owner, blob=keep_bytes(owner=owner, data=SENTENCE, name="memo.webm"), name="memo.webm", place=place_of(session=session)
    )


def test_pages_open_what_voices_need_and_nothing_more(as_member: Client) -> None:
    headers = as_member.get("/agentos/").headers
    assert headers["Permissions-Policy"] == "camera=(), geolocation=(), microphone=(self), display-capture=(self), autoplay=(self)"
    rules = dict(rule.split(" ", 1) for rule in headers["Content-Security-Policy"].split("; "))
    assert rules["media-src"] == "'self' blob:"
    assert rules["worker-src"] == rules["script-src"] == rules["connect-src"] == "'self'"
    assert "unsafe" not in headers["Content-Security-Policy"]


class TestWords:
    def test_say_what_the_person_wants(self, as_member: Client, member: User) -> None:
        actions.change_preferences(by=member, language="de", keeps_recordings=True)
        told = page(as_member.get(VOICE)).one("[data-styles]")
        assert (told["data-language"], told["data-keeps"], told["data-sends"], told["data-missing"]) == ("de", "1", "", "")

    def test_say_that_nobody_listens_and_to_an_operator_what_to_do(
        self, as_member: Client, as_operator: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.AGENTOS_SCRIPTED_MODELS = False
        monkeypatch.setattr(local, "is_installed", lambda: False)
        assert "Your administrator" in str(page(as_member.get(VOICE)).one("[data-styles]")["data-missing"])
        assert "AGENTOS_SPEECH_URL" in str(page(as_operator.get(VOICE)).one("[data-styles]")["data-missing"])


class TestRecordings:
    def test_become_words_once(self, as_member: Client, recording: Attachment, monkeypatch: pytest.MonkeyPatch) -> None:
        url = f"{FILES}{recording.file_id}/words/"
        first = as_member.post(url).json()
        assert first["text"].startswith("This is a rehearsal")
        monkeypatch.setattr("agentos.speech.write_down", None)
        assert as_member.post(url).json() == first

    def test_of_others_are_not_there(self, as_stranger: Client, recording: Attachment) -> None:
        assert as_stranger.post(f"{FILES}{recording.file_id}/words/").status_code == 404

    def test_are_of_a_size_that_nobody_knows_and_say_how_long_they_are(self, as_member: Client, session: ChatSession) -> None:
        place = {"place": session.session_id}
        begun = as_member.post(FILES, {"name": "Recording 10.42.webm", **place}).json()
        for number, start in enumerate(range(0, len(SENTENCE), 6000)):
            assert as_member.put(f"{begun['url']}{number}/", SENTENCE[start : start + 6000], "application/octet-stream").status_code == 204
        assert as_member.post(f"{begun['url']}done/", {"seconds": "3.2", **place}).status_code == 201
        kept = Attachment.objects.select_related("blob").get()
        assert (kept.kind, kept.seconds) == ("audio", 3.2)
