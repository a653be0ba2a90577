"""Files that tools have made: offered in the turn, and downloaded by whoever may see the chat."""

from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse

from agentos.access.models import User
from agentos.chat.models import ChatSession, Run
from tests.factories import RunFactory

FILE = {"kind": "file", "name": "Tea.ics", "type": "text/calendar", "text": "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"}


def part(shown: Any) -> dict[str, Any]:
    call = {"call_id": "1", "name": "make_calendar_file", "args": {}, "status": "finished", "result": "", "seconds": 0.1}
    return {"kind": "tool", **call, "shown": shown}


@pytest.fixture
def run(session: ChatSession) -> Run:
    parts = [part(FILE), {"kind": "text", "text": "Here."}, part({"kind": "chart"}), part({**FILE, "type": "text/html"})]
    made: Run = RunFactory(session=session, turn=1, parts=parts)
    return made


def url(run: Run, index: int) -> str:
    return reverse("dashboard:file", args=[run.run_id, index])


def test_is_offered_in_the_turn(client: Client, member: User, run: Run) -> None:
    client.force_login(member)
    page = BeautifulSoup(client.get(reverse("dashboard:session", args=[run.session.session_id])).content, "html.parser")
    (link,) = page.select(".shown.file a")
    assert (link["href"], link["download"], link.get_text(strip=True)) == (url(run, 0), "Tea.ics", "Tea.ics")


def test_is_kept_and_not_opened(client: Client, member: User, run: Run) -> None:
    client.force_login(member)
    answer = client.get(url(run, 0))
    assert answer.content.decode() == FILE["text"]
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="Tea.ics"'
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "private, no-store"


def test_is_nobody_else_s(client: Client, stranger: User, run: Run) -> None:
    client.force_login(stranger)
    assert client.get(url(run, 0)).status_code == 404


@pytest.mark.parametrize("index", [1, 2, 3, 4, 10**12])
def test_is_nothing_but_a_file(client: Client, member: User, run: Run, index: int) -> None:
    client.force_login(member)
    assert client.get(url(run, index)).status_code == 404


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../../etc/passwd", "etc-passwd.ics"),
        ('a"\r\nSet-Cookie: b=c.ics', "a-Set-Cookie- b=c.ics"),
        ("", "file.ics"),
        ("\u202escod.ics", "scod.ics"),
        ("x" * 500 + ".ics", "x" * 96 + ".ics"),
        ("run.exe", "run.exe.ics"),
    ],
)
def test_has_a_plain_name(client: Client, member: User, session: ChatSession, name: str, said: str) -> None:
    run = RunFactory(session=session, turn=1, parts=[part({**FILE, "name": name})])
    client.force_login(member)
    assert client.get(url(run, 0))["Content-Disposition"] == f'attachment; filename="{said}"'
