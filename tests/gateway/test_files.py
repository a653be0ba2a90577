"""Files that Agno's clients send with a run, in the form's field ``files``."""

from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.chat.files import attachments_of
from agentos.chat.models import Run
from agentos.files.models import Attachment
from tests.factories import AgentFactory
from tests.files import made
from tests.gateway.conftest import bearer, token_for

FORM = {"message": "Look", "stream": "false", "background": "true"}
NOTES = ("files", ("notes.txt", made.NOTES, "text/plain"))
PICTURE = ("files", ("a.jpg", made.picture(), "image/jpeg"))


@pytest.fixture
def agent(transactional_db: None) -> DjangoAgent:
    found: DjangoAgent = AgentFactory(model="scripted:given", is_global=True)
    return found


async def send(http: httpx.AsyncClient, agent: DjangoAgent, user: User, files: Any, key: str = "") -> httpx.Response:
    headers = bearer(await sync_to_async(token_for)(user)) | ({"Idempotency-Key": key} if key else {})
    return await http.post(f"/agents/{agent.agent_id}/runs", headers=headers, data=FORM, files=files)


class TestFiles:
    async def test_go_with_the_message_once(self, http: httpx.AsyncClient, agent: DjangoAgent, owner: User) -> None:
        first = await send(http, agent, owner, [NOTES, PICTURE], "one")
        assert first.status_code == 202, first.text
        again = await send(http, agent, owner, [NOTES, PICTURE], "one")
        assert again.json()["run_id"] == first.json()["run_id"]
        assert (await send(http, agent, owner, [NOTES], "one")).status_code == 422
        run = await Run.objects.aget()
        rows = (await sync_to_async(attachments_of)([run]))[run.pk]
        assert [(row.attachment.name, row.origin, row.attachment.owner_id) for row in rows] == [
            ("notes.txt", "person", owner.pk),
            ("a.jpg", "person", owner.pk),
        ]
        assert await Attachment.objects.acount() == 2  # what came again was given back

    async def test_are_refused_in_words_and_leave_nothing(self, http: httpx.AsyncClient, agent: DjangoAgent, owner: User) -> None:
        for files, status, words in (
            ([("files", ("a.exe", b"MZ\0\0", "application/octet-stream"))], 415, "a.exe cannot be taken"),
            ([NOTES] * 11, 422, "10 files"),
            ([("images", ("a.jpg", made.picture(), "image/jpeg"))], 422, "in the field files"),
            ([("files", ("long.txt", b"x" * 10_100_000, "text/plain"))], 413, ""),
        ):
            answer = await send(http, agent, owner, files)
            assert answer.status_code == status, answer.text
            assert words in answer.text
        agent.model_options = {"sees": False}
        await agent.asave()
        answer = await send(http, agent, owner, [NOTES, PICTURE])
        assert (answer.status_code, "cannot see pictures" in answer.text) == (422, True)
        assert not await Attachment.objects.aexists()
        assert not await Run.objects.aexists()
