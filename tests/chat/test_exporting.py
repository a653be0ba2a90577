"""A chat as a file: all that is shown, nothing of others, and no line that a name could break."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from agentos.access.models import User
from agentos.chat.exporting import as_json, as_markdown
from agentos.chat.models import Run
from tests.factories import RunFactory

pytestmark = pytest.mark.django_db

CALL = {"kind": "tool", "call_id": "c", "name": "web_search", "args": {"query": "tea"}, "status": "finished", "result": "R", "seconds": 0.1}
INNER = [{"kind": "text", "text": "Inner\nline"}]
PARTS: list[dict[str, Any]] = [
    {"kind": "reasoning", "text": "Hm."},
    {**CALL, "decided_by": 7},
    {"kind": "delegation", "call_id": "d", "by": "writer", "name": "Writer\n# Big", "task": "Write", "status": "finished", "parts": INNER},
    {"kind": "text", "text": "Green **tea**."},
]


@pytest.fixture
def run(owner: User) -> Run:
    run: Run = RunFactory(
        session__user=owner, session__title='Tea: "green"\u202e', input="Which?", parts=PARTS, answer="Green **tea**.", status="completed"
    )
    RunFactory(session=run.session, turn=1, input="Hidden words", is_hidden=True, status="completed")
    return run


class TestMarkdown:
    def test_reads_as_the_chat_was(self, run: Run) -> None:
        text = as_markdown(run.session)
        assert 'title: "Tea: \\"green\\""' in text
        assert f"## You, {run.created_at.isoformat(timespec='seconds')}\n\nWhich?" in text
        assert "> *Web search: finished*" in text
        assert "> **Writer # Big:** Write\n\n> Inner\n> line" in text
        assert text.endswith("Green **tea**.\n")
        assert "Hidden words" not in text
        assert "Hm." not in text


class TestJSON:
    def test_has_the_parts_and_nobodys_keys(self, run: Run) -> None:
        found = json.loads(as_json(run.session))
        assert (found["format"], found["version"], len(found["turns"])) == ("agentos-chat", 1, 1)
        (turn,) = found["turns"]
        assert (turn["message"], turn["answer"], turn["files"]) == ("Which?", "Green **tea**.", [])
        assert [part["kind"] for part in turn["parts"]] == ["reasoning", "tool", "delegation", "text"]
        assert "decided_by" not in json.dumps(found)
        assert turn["parts"][2]["parts"] == [{"kind": "text", "text": "Inner\nline"}]


@pytest.mark.parametrize("form", ["md", "json"])
def test_is_downloaded_by_its_owner_from_its_menu(as_owner: Client, run: Run, form: str) -> None:
    path = reverse("dashboard:export", args=[run.session.session_id, form])
    assert path in as_owner.get(reverse("dashboard:manage", args=[run.session.session_id])).content.decode()
    answer = as_owner.get(path)
    assert answer.headers["Content-Disposition"].startswith("attachment; filename")
    assert "Green **tea**." in answer.content.decode()
    assert as_owner.get(reverse("dashboard:export", args=[run.session.session_id, "exe"])).status_code == 404
