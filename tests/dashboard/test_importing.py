"""Bringing chats on the page and through the API: an export is given, looked at, and brought."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.chat.models import ChatSession
from agentos.files.models import Attachment
from tests.api.calls import ROOT, assert_refused, post
from tests.chat import exports
from tests.factories import AgentFactory
from tests.html import page

pytestmark = pytest.mark.django_db(transaction=True)  # other threads ask the database, too

HOME = "/agentos/sessions/import/"
DATA = exports.as_bytes([exports.chatgpt(title="Tea <b>"), exports.chatgpt("c-2", "Milk")])


@pytest.fixture
def agent() -> DjangoAgent:
    made: DjangoAgent = AgentFactory(is_global=True)
    return made


def give(client: Client, data: bytes = DATA, name: str = "conversations.json") -> Any:
    return client.post(HOME, {"file": SimpleUploadedFile(name, data)})


class TestPage:
    def test_shows_what_would_come_and_brings_it(self, as_owner: Client, as_stranger: Client, owner: User, agent: DjangoAgent) -> None:
        assert give(as_owner, b'"other"', "first.json").status_code == 303
        where = give(as_owner).headers["Location"]
        assert Attachment.objects.filter(owner=owner).count() == 1  # the other one was given up
        assert as_stranger.get(where).headers["Location"] == HOME
        shown = page(as_owner.get(where))
        assert "2 chats would come, with 4 messages." in shown.text("#import-count")
        assert "leaf.png, in “Tea <b>”" in shown.text("#left-out")
        assert not ChatSession.objects.exists()
        answer = as_owner.post(where, {"agent": "nobody"})
        assert (answer.status_code, page(answer).text("#import-agent-error")) == (422, "Choose an agent that you may use.")
        (choice,) = shown.all("#import-agent option")
        answer = as_owner.post(where, {"agent": choice["value"], "archive": "1"})
        assert "2 chats are here now, with 4 messages." in page(answer).text("#import-count")
        assert ChatSession.objects.filter(user=owner, is_archived=True).count() == 2
        assert not Attachment.objects.filter(owner=owner).exists()
        assert as_owner.get(where).headers["Location"] == HOME  # it is brought once
        again = page(as_owner.get(give(as_owner).headers["Location"]))
        assert "0 chats would come" in again.text("#import-count")
        assert "2 chats of this file are here already" in again.text("#import-count")

    def test_says_what_is_wrong_with_a_file(self, as_owner: Client, settings: Any) -> None:
        answer = as_owner.post(HOME)
        assert (answer.status_code, page(answer).text("#import-file-error")) == (422, "Choose a file first.")
        answer = as_owner.get(give(as_owner, b'{"a": 1}').headers["Location"])
        assert (answer.status_code, page(answer).text("#import-file-error")[:37]) == (422, "There are no chats in this file. Give")
        assert not Attachment.objects.exists()
        settings.AGENTOS_FILE_MB = 1
        assert give(as_owner, b" " * 1_000_001).status_code == 413


class TestAPI:
    def test_brings_a_file_that_was_sent(self, as_owner: Client, as_stranger: Client, owner: User, agent: DjangoAgent) -> None:
        file = as_owner.post(f"{ROOT}files/?name=chats.json", DATA, content_type="application/octet-stream").json()["id"]
        asked = {"file": file, "agent_id": agent.agent_id}
        found = post(as_owner, f"{ROOT}imports/", {"file": file, "preview": True}).json()
        assert (found["preview"], found["chats"], found["titles"], found["sources"]) == (True, 2, ["Tea <b>", "Milk"], ["ChatGPT"])
        assert not ChatSession.objects.exists()
        brought = post(as_owner, f"{ROOT}imports/", asked)
        assert brought.status_code == 200, brought.content
        assert {each["kind"]: each["count"] for each in brought.json()["left_out"]}["files"] == 2
        assert (post(as_owner, f"{ROOT}imports/", asked).json()["known"], ChatSession.objects.count()) == (2, 2)
        assert_refused(post(as_stranger, f"{ROOT}imports/", asked), 404, "file_not_found")
        assert_refused(post(as_owner, f"{ROOT}imports/", {"file": file}), 404, "agent_not_found")
        other = as_owner.post(f"{ROOT}files/?name=a.json", b"{}", content_type="application/octet-stream").json()["id"]
        assert_refused(post(as_owner, f"{ROOT}imports/", {**asked, "file": other}), 422, "invalid_fields", "file")
