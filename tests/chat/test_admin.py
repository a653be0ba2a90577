"""What operators see of people's chats: that they are there, never what is in them."""

import pytest
from django.test import Client

from agentos.chat.models import ChatSession, Run
from tests.factories import ChatSessionFactory, RunFactory
from tests.html import page

SECRETS = ("SECRET-TITLE", "SECRET-QUESTION", "SECRET-ANSWER", "SECRET-ARGUMENT")


@pytest.fixture
def run(db: None) -> Run:
    session = ChatSessionFactory(title="SECRET-TITLE")
    return RunFactory(
        session=session,
        input="SECRET-QUESTION",
        answer="SECRET-ANSWER",
        context={"a": "SECRET-ARGUMENT"},
        requirements=[{"args": "SECRET-ARGUMENT"}],
        messages=[{"content": "SECRET-ANSWER"}],
        status=Run.Status.FAILED,
        error_code="model_busy",
        input_tokens=1234,
    )


def urls(run: Run) -> list[str]:
    chat, runs = "/admin/chat/chatsession/", "/admin/chat/run/"
    return [chat, f"{chat}{run.session.pk}/change/", runs, f"{runs}{run.pk}/change/", f"{chat}?q=SECRET", f"{runs}?q=SECRET", "/admin/"]


class TestChatAdmin:
    def test_never_shows_what_was_written(self, run: Run, as_operator: Client) -> None:
        for url in urls(run):
            html = page(as_operator.get(url)).html.replace("q=SECRET", "")
            assert not [secret for secret in SECRETS if secret in html], url

    def test_does_not_search_what_was_written(self, run: Run, as_operator: Client) -> None:
        for url in ("/admin/chat/chatsession/?q=SECRET", "/admin/chat/run/?q=SECRET"):
            assert not page(as_operator.get(url)).has("#result_list")

    def test_shows_how_a_run_ended(self, run: Run, as_operator: Client) -> None:
        html = page(as_operator.get("/admin/chat/run/"))
        assert html.texts("td.field-status, td.field-error_code, td.field-input_tokens") == ["Failed", "model_busy", "1234"]

    def test_leads_from_a_session_to_its_runs(self, run: Run, as_operator: Client) -> None:
        RunFactory()
        link = page(as_operator.get(f"/admin/chat/chatsession/{run.session.pk}/change/")).one(".field-runs a")
        assert link.text == "1"
        assert page(as_operator.get(str(link["href"]))).texts("th.field-run_id") == [run.run_id]

    def test_leaves_the_title_as_it_is(self, run: Run, as_operator: Client) -> None:
        as_operator.get(f"/admin/chat/chatsession/{run.session.pk}/change/")
        assert ChatSession.objects.get().title == "SECRET-TITLE"
