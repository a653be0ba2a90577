"""What Ctrl+K finds, and the page of shortcuts."""

import pytest
from django.http import HttpResponseBase
from django.test import Client

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.chat.actions import archive_session, pin_session
from agentos.chat.models import ChatSession
from tests.dashboard.asking import get
from tests.factories import ChatSessionFactory, RunFactory
from tests.html import page

URL = "/agentos/palette/"


def groups(response: HttpResponseBase) -> dict[str, list[str]]:
    found = page(response)
    options = {str(group["aria-labelledby"]): group.select("[role=option]") for group in found.all("[role=group]")}
    return {found.text(f"#{label}"): [" ".join(option.get_text(" ").split()) for option in of] for label, of in options.items()}


class TestPalette:
    def test_is_the_search_without_htmx(self, as_member: Client) -> None:
        assert as_member.get(f"{URL}?q=two words").headers["Location"] == "/agentos/sessions/?q=two+words"
        assert as_member.get(URL).headers["Location"] == "/agentos/sessions/"

    def test_is_a_combobox_with_a_list(self, as_member: Client, session: ChatSession) -> None:
        found = page(get(as_member, URL))
        box = found.one("[role=combobox]")
        assert found.one(f"#{box['aria-controls']}")["role"] == "listbox"
        assert found.has(f"label[for={box['id']}]")
        for option in found.all("[role=option]"):
            assert (option["aria-selected"], option["tabindex"]) == ("false", "-1")
        ids = [str(tag["id"]) for tag in found.all("[id]")]
        assert len(set(ids)) == len(ids)

    def test_offers_what_is_near_before_anything_is_typed(self, as_member: Client, session: ChatSession) -> None:
        found = groups(get(as_member, URL))
        assert found["Do"] == ["New chat"]
        assert found["Chats"] == ["Refund case Support Writer"]
        assert found["Agents"] == ["Support Writer New chat"]
        assert "Usage" in found["Go to"]
        assert "Administration" not in found["Go to"]

    def test_acts_on_the_open_chat(self, as_member: Client, member: User, session: ChatSession, url: str) -> None:
        asked = get(as_member, URL, came_from=url)
        found = groups(asked)
        assert found["This chat"] == ["New chat", "Rename this chat", "Pin this chat", "Archive this chat", "Delete this chat"]
        assert "Chats" not in found  # the open one is no place to go to
        assert page(asked).one("form[action$='/pin/'] input[name=pinned]")["value"] == "1"
        pin_session(session=session, pinned=True, by=member)
        archive_session(session=session, archived=True, by=member)
        found = groups(get(as_member, URL, came_from=url))
        assert {"Unpin this chat", "Bring this chat back from the archive"} < set(found["This chat"])

    def test_never_acts_on_a_chat_of_somebody_else(self, as_stranger: Client, session: ChatSession, url: str) -> None:
        asked = get(as_stranger, URL, came_from=url)
        assert groups(asked)["Do"] == ["New chat"]
        assert session.session_id not in page(asked).html
        assert "Refund" not in page(get(as_stranger, f"{URL}?q=refund")).html

    def test_finds_by_every_word(self, as_member: Client, member: User, team_agent: DjangoAgent, session: ChatSession) -> None:
        ChatSessionFactory(user=member, agent=team_agent, title="Something else")
        assert groups(get(as_member, f"{URL}?q=refund")) == {"Chats": ["Refund case Support Writer"]}
        assert groups(get(as_member, f"{URL}?q=writer SUPPORT"))["Agents"] == ["Support Writer New chat"]
        assert groups(get(as_member, f"{URL}?q=tokens api")) == {"Go to": ["API tokens"]}

    def test_leads_to_where_a_chat_has_the_words(self, as_member: Client, session: ChatSession, url: str) -> None:
        said = RunFactory(session=session, turn=1, input="Where do walnuts grow?", answer="")
        assert page(get(as_member, f"{URL}?q=walnuts")).one("[role=option]")["href"] == f"{url}?run={said.run_id}#turn-1"
        assert page(get(as_member, f"{URL}?q=refund")).one("[role=option]")["href"] == url  # the title alone has it
        assert page(get(as_member, URL)).one(f"#palette-{session.session_id}")["href"] == url

    def test_says_so_when_there_is_nothing(self, as_member: Client, session: ChatSession) -> None:
        found = page(get(as_member, f"{URL}?q=zebra"))
        assert not found.has("[role=option]")
        assert "Nothing matches" in found.text("[role=status]")

    def test_shows_operators_their_places(self, as_operator: Client) -> None:
        assert {"Administration", "Inbox of webhooks"} < set(groups(get(as_operator, URL))["Go to"])

    @pytest.mark.parametrize("text", ["<b>x</b>", '"><script>', "%00"])
    def test_trusts_no_text(self, as_member: Client, text: str) -> None:
        assert not page(get(as_member, f"{URL}?q={text}")).has("b, script")


class TestShortcuts:
    def test_have_a_page_in_the_account_menu(self, as_member: Client) -> None:
        assert page(as_member.get("/agentos/")).has("#account a[href='/agentos/shortcuts/']")
        found = page(as_member.get("/agentos/shortcuts/"))
        assert found.text("h1") == "Keyboard shortcuts"
        assert "Ctrl K" in found.texts("kbd")

    def test_come_alone_to_htmx(self, as_member: Client) -> None:
        assert not page(get(as_member, "/agentos/shortcuts/")).has("h1, #sidebar")
