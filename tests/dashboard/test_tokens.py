"""The settings pages of API tokens and of usage."""

from typing import Any

import pytest
from django.test import Client

from agentos.access.actions import create_token, revoke_token, suspend_user
from agentos.access.models import ApiToken, Plan, User
from agentos.access.tokens import SCOPES, authenticate
from agentos.agents.models import DjangoAgent
from agentos.chat.models import ChatSession
from agentos.chat.usage_models import Usage
from agentos.core.ratelimit import limits
from tests.dashboard.asking import post, queries
from tests.factories import ChatSessionFactory, RunFactory
from tests.html import page

URL = "/agentos/settings/tokens/"
FORM = {"name": "Laptop", "scopes": ["agents:read", "runs:write"], "days": "30"}


class TestSettings:
    def test_are_one_click_from_every_page(self, as_member: Client) -> None:
        assert page(as_member.get("/agentos/")).one("#account a[href='/agentos/settings/']")
        assert page(as_member.get("/agentos/settings/", follow=True)).has(f".settings-menu a[href='{URL}']")

    def test_say_which_one_is_open(self, as_member: Client) -> None:
        found = page(as_member.get(URL))
        assert found.texts(".settings-menu [aria-current=page]") == ["API tokens"]
        assert found.one("#account a[href='/agentos/settings/']")["aria-current"] == "page"
        assert found.has("#sidebar")


class TestTokens:
    def test_show_a_new_one_once(self, as_owner: Client, owner: User) -> None:
        answer = as_owner.post(URL, FORM)
        assert answer.status_code == 201
        secret = page(answer).text("#new-token-text code")
        token = authenticate(secret)
        assert token
        assert (token.user, token.name, token.scopes) == (owner, "Laptop", ["agents:read", "runs:write"])
        assert (token.expires_at - token.created_at).days == 30
        again = page(as_owner.get(URL))
        assert secret not in again.html
        assert token.digest not in again.html
        assert not again.has("#new-token")
        assert token.hint in again.text(f"#token-{token.pk}")

    def test_can_be_copied(self, as_owner: Client) -> None:
        found = page(as_owner.post(URL, FORM))
        assert found.one("#new-token [data-copy]")["data-copy"] == "new-token-text"
        assert authenticate(found.text("#new-token-text .prose"))

    def test_explain_each_scope(self, as_owner: Client) -> None:
        found = page(as_owner.get(URL))
        for scope, sentence in SCOPES.items():
            assert sentence in found.text(".choices")
            assert found.one(f"input[name=scopes][value='{scope}']")

    def test_last_ninety_days_unless_one_chooses(self, as_owner: Client) -> None:
        found = page(as_owner.get(URL))
        assert [option["value"] for option in found.all("[name=days] option")] == ["7", "30", "90", "365"]
        assert found.one("[name=days] option[selected]")["value"] == "90"

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"name": ""}, "name"),
            ({"scopes": []}, "scopes"),
            ({"scopes": ["x"]}, "scopes"),
            ({"days": "9999"}, "days"),
            ({"days": "x"}, "days"),
        ],
    )
    def test_keep_what_was_written_when_something_is_wrong(self, as_owner: Client, wrong: dict[str, Any], field: str) -> None:
        answer = as_owner.post(URL, {**FORM, **wrong})
        assert answer.status_code == 422
        found = page(answer)
        assert found.has(f"#id_{field}_error")
        assert found.one("#id_name").get("value", "") == {**FORM, **wrong}["name"]
        assert not ApiToken.objects.exists()

    def test_swap_the_panel_for_htmx(self, as_owner: Client) -> None:
        answer = post(as_owner, URL, FORM)
        assert answer.status_code == 201
        found = page(answer)
        assert found.all("*")[0]["id"] == "tokens"
        assert found.has("#new-token")
        assert not found.has("#sidebar")
        refused = post(as_owner, URL, {})
        assert (refused.status_code, refused.headers["HX-Reswap"]) == (422, "outerHTML")

    def test_are_refused_when_too_many_are_made(self, as_owner: Client, settings: Any) -> None:
        settings.AGENTOS_CREATIONS_A_MINUTE = 1
        limits.forget()
        as_owner.post(URL, FORM)
        answer = as_owner.post(URL, FORM)
        assert answer.status_code == 429
        assert int(answer["Retry-After"]) >= 1
        assert "Try again in" in page(answer).text("#create-error")
        assert ApiToken.objects.count() == 1

    def test_are_revoked_with_a_second_click(self, as_owner: Client, owner: User) -> None:
        token, secret = create_token(by=owner, name="Laptop", scopes=["agents:read"])
        found = page(as_owner.get(URL))
        assert found.has(f"#token-{token.pk} details form[action='{URL}{token.pk}/revoke/']")
        assert as_owner.post(f"{URL}{token.pk}/revoke/").status_code == 303
        assert authenticate(secret) is None
        row = page(as_owner.get(URL))
        assert "revoked" in row.text(f"#token-{token.pk}")
        assert not row.has(f"#token-{token.pk} form")

    def test_of_others_do_not_exist(self, as_owner: Client, member: User) -> None:
        token, secret = create_token(by=member, name="Theirs", scopes=["agents:read"])
        assert "Theirs" not in page(as_owner.get(URL)).text("#tokens")
        assert as_owner.post(f"{URL}{token.pk}/revoke/").status_code == 404
        assert as_owner.post(f"{URL}{10**30}/revoke/").status_code == 404
        assert authenticate(secret)

    def test_never_trust_a_name(self, as_owner: Client, owner: User) -> None:
        create_token(by=owner, name="<script>x</script>", scopes=["agents:read"])
        assert not page(as_owner.get(URL)).has("main script")

    def test_say_that_they_have_ended(self, as_operator: Client, operator: User, member: User) -> None:
        token, _ = create_token(by=operator, name="Old", scopes=["agents:read"])
        revoke_token(by=member, token=token)
        assert "revoked" in page(as_operator.get(URL)).text(f"#token-{token.pk}")

    def test_take_the_same_queries_however_many_there_are(self, as_owner: Client, owner: User) -> None:
        create_token(by=owner, name="One", scopes=["agents:read"])
        few = queries(as_owner, URL)
        for number in range(10):
            create_token(by=owner, name=f"Key {number}", scopes=["agents:read"])
        assert queries(as_owner, URL) == few

    def test_need_a_token_of_the_form(self, owner: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(owner)
        assert client.post(URL, FORM).status_code == 403
        assert not ApiToken.objects.exists()

    def test_end_with_a_suspension(self, owner: User, operator: User) -> None:
        _, secret = create_token(by=owner, name="One", scopes=["agents:read"])
        suspend_user(user=owner, by=operator)
        assert authenticate(secret) is None


class TestUsage:
    URL = "/agentos/settings/usage/"

    @pytest.fixture
    def limited(self, owner: User, pro: Plan, everyone_agent: DjangoAgent) -> ChatSession:
        """The owner has used 9 of 10 answers today."""
        pro.runs_a_day = 10
        pro.save()
        chat: ChatSession = ChatSessionFactory(user=owner, agent=everyone_agent)
        RunFactory.create_batch(9, session=chat)
        return chat

    def test_says_that_nothing_is_limited(self, as_member: Client) -> None:
        assert "You have no limits" in page(as_member.get(self.URL)).text("#usage")

    def test_says_how_much_is_used(self, as_owner: Client, limited: ChatSession) -> None:
        found = page(as_owner.get(self.URL))
        assert "Your plan is Pro" in found.text("#usage")
        assert "Answers today 9 of 10" in found.text("#usage")
        assert found.one("meter")["value"] == "9"
        assert found.text(".scarce") == "Nearly used up: 1 of 10 answers left today."

    def test_says_what_was_used_where_nothing_is_limited(self, as_member: Client, member: User, everyone_agent: DjangoAgent) -> None:
        assert "Nothing in the last 30 days." in page(as_member.get(self.URL)).text("#used")
        RunFactory.create_batch(2, session=ChatSessionFactory(user=member, agent=everyone_agent), input_tokens=1000, output_tokens=5)
        found = page(as_member.get(self.URL))
        assert "In the last 30 days: 2 answers, 2,010 tokens." in found.text("#used")
        assert "Assistant 2 2,010 ?" in found.text("#used-agents")
        bars = found.all(".chart rect")
        assert (len(bars), bars[-1]["height"], bars[0]["height"]) == (30, "120", "0")

    def test_takes_the_same_queries_for_any_number_of_answers(self, as_member: Client, member: User, everyone_agent: DjangoAgent) -> None:
        counts = []
        for _ in range(2):
            RunFactory.create_batch(3, session=ChatSessionFactory(user=member, agent=everyone_agent))
            counts.append(queries(as_member, self.URL))
        assert counts[0] == counts[1]

    def test_stands_on_the_dashboard(self, as_owner: Client, as_member: Client, limited: ChatSession) -> None:
        assert "9 of 10 answers today" in page(as_owner.get("/agentos/")).text(".strip")
        assert " of " not in page(as_member.get("/agentos/")).text(".strip").replace("1 of 1", "")

    def test_stands_at_the_composer_when_little_is_left(self, as_owner: Client, limited: ChatSession) -> None:
        for url in (f"/agentos/session/{limited.session_id}/", "/agentos/chat/assistant/"):
            assert "1 of 10 answers left today" in page(as_owner.get(url)).text("#composer .note")

    def test_does_not_stand_there_before(self, as_owner: Client, limited: ChatSession) -> None:
        Usage.objects.update(answers=7)
        assert not page(as_owner.get(f"/agentos/session/{limited.session_id}/")).has("#composer .note")

    def test_used_up_refuses_a_message_and_keeps_it(self, as_owner: Client, limited: ChatSession) -> None:
        RunFactory(session=limited)
        for url in (f"/agentos/session/{limited.session_id}/", "/agentos/chat/assistant/"):
            for answer in (as_owner.post(url, {"message": "Long thought"}), post(as_owner, url, {"message": "Long thought"})):
                assert answer.status_code == 402
                found = page(answer)
                assert "You have used the 10 answers that your plan Pro allows a day" in found.text("#composer-error")
                assert found.one("#message").get_text().strip() == "Long thought"


class TestTooManyMessages:
    def test_are_refused_and_kept(self, as_owner: Client, owner: User, everyone_agent: DjangoAgent, settings: Any) -> None:
        settings.AGENTOS_SENDS_A_MINUTE = 1
        limits.forget()
        chat = ChatSessionFactory(user=owner, agent=everyone_agent)
        url = f"/agentos/session/{chat.session_id}/"
        assert post(as_owner, url, {"message": "One"}).status_code == 200
        answer = post(as_owner, url, {"message": "Two"})
        assert answer.status_code == 429
        found = page(answer)
        assert "You sent a lot in a short time" in found.text("#composer-error")
        assert found.one("#composer-error")["data-seconds"] == answer.headers["Retry-After"]  # then it goes
        assert int(answer.headers["Retry-After"]) >= 1
        assert int(as_owner.post(url, {"message": "Two"}).headers["Retry-After"]) >= 1
        assert found.one("#message").get_text().strip() == "Two"
        assert chat.runs.count() == 1
