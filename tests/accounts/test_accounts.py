"""What people do with their accounts by themselves: passwords, addresses, signing up, second factors, where they are signed in, the end."""

import time
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agentos.access import invitations
from agentos.access.models import Membership, Team, User
from agentos.accounts import deleting
from agentos.accounts.models import Deletion
from agentos.audit.models import AuditRecord
from agentos.chat.models import ChatSession
from agentos.chat.registry import Registry
from agentos.core import clock
from agentos.core.ratelimit import limits
from tests.accounts.conftest import links
from tests.conftest import signed_in
from tests.factories import PASSWORD, ChatSessionFactory
from tests.html import page

ACCOUNT = "/agentos/settings/account/"
NEW = "another long and odd one"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"


def enter(user: User, **headers: str) -> Client:
    """A browser in which this user has signed in by the form."""
    client = Client(headers={"User-Agent": CHROME, **headers})
    assert client.post("/sign-in/", {"email": user.email, "password": PASSWORD}).status_code == 302
    return client


def confirm(client: Client, back: str = ACCOUNT) -> None:
    """Say once more who one is."""
    answer = client.post(f"{ACCOUNT}again/?next={back}", {"password": PASSWORD})
    assert answer.status_code == 302, answer.content


def code_of(secret: str, ahead: int = 0) -> str:
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30 + ahead)))


class TestPassword:
    def test_is_changed_by_its_owner_and_signs_out_everywhere_else(self, owner: User, letters: Any) -> None:
        here, there = enter(owner), enter(owner)
        wrong = here.post(f"{ACCOUNT}password/", {"oldpassword": "wrong", "password1": NEW, "password2": NEW})
        assert wrong.status_code == 422
        assert page(wrong).texts("#account-form .error") == ["This is not your password."]
        assert here.post(f"{ACCOUNT}password/", {"oldpassword": PASSWORD, "password1": "short", "password2": "short"}).status_code == 422
        answer = here.post(f"{ACCOUNT}password/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})
        assert (answer.status_code, answer["Location"]) == (302, ACCOUNT)
        assert here.get(ACCOUNT).status_code == 200
        assert there.get(ACCOUNT).status_code == 302
        owner.refresh_from_db()
        assert owner.check_password(NEW)
        links(letters)
        assert [letter.subject for letter in letters] == ["Your password was changed"]
        assert AuditRecord.objects.filter(verb="access.password.changed", actor=owner).count() == 1

    def test_that_is_forgotten_is_chosen_anew_by_a_link_that_works_once(self, owner: User, letters: Any, client: Client) -> None:
        known, unknown = (client.post("/password/", {"email": email}) for email in (owner.email.upper(), "nobody@example.com"))
        assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
        (link,) = links(letters)
        assert [letter.to for letter in letters] == [[owner.email]]
        shown = client.get(link)
        assert shown.status_code == 302
        assert link.split("-", 1)[1].strip("/") not in shown["Location"]  # it stands in no Referer
        answer = client.post(shown["Location"], {"password1": NEW, "password2": NEW})
        assert (answer.status_code, answer["Location"]) == (302, "/password/done/")
        assert Client().post("/sign-in/", {"email": owner.email, "password": NEW}).status_code == 302
        assert "This link does not work" in Client().get(link).content.decode()

    def test_is_sent_no_flood_of_links(self, owner: User, letters: Any, client: Client) -> None:
        answers = [client.post("/password/", {"email": owner.email}) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [302] * 5 + [429]
        assert int(answers[-1]["Retry-After"]) > 0

    def test_of_somebody_else_is_not_reached_by_another_host_name(self, owner: User, letters: Any, client: Client, settings: Any) -> None:
        settings.ALLOWED_HOSTS = ["localhost", "evil.example"]
        client.post("/password/", {"email": owner.email}, headers={"Host": "evil.example"})
        assert len(links(letters)) == 1
        assert "evil" not in str(letters[0].body)


class TestAddresses:
    def test_of_every_account_there_was_is_one_that_counts(self, owner: User) -> None:
        (address,) = EmailAddress.objects.filter(user=owner)
        assert (address.email, address.verified, address.primary) == (owner.email, True, True)

    def test_follow_what_an_operator_changes(self, owner: User) -> None:
        owner.email = "olga@example.org"
        owner.save()
        assert EmailAddress.objects.get(user=owner).email == "olga@example.org"

    def test_are_given_to_accounts_of_before(self, owner: User, stranger: User) -> None:
        from importlib import import_module

        from django.apps import apps
        from django.db import connection

        EmailAddress.objects.filter(user=owner).delete()
        import_module("agentos.accounts.migrations.0002_addresses").give_addresses(apps, connection.schema_editor())
        found = EmailAddress.objects.order_by("email").values_list("email", "verified", "primary")
        assert list(found) == [("owner@example.com", True, True), ("stranger@example.com", True, True)]

    def test_are_changed_once_they_are_confirmed(self, owner: User, stranger: User, letters: Any) -> None:
        client = enter(owner)
        asked = client.post(f"{ACCOUNT}addresses/", {"action_add": "", "email": "new@example.com"})
        assert asked["Location"].startswith(f"{ACCOUNT}again/")
        confirm(client)
        assert client.post(f"{ACCOUNT}addresses/", {"action_add": "", "email": stranger.email}).status_code == 302  # says nothing of others
        assert client.post(f"{ACCOUNT}addresses/", {"action_add": "", "email": "new@example.com"}).status_code == 302
        client.post(f"{ACCOUNT}addresses/", {"action_primary": "", "email": "new@example.com"})
        owner.refresh_from_db()
        assert owner.email == "owner@example.com"
        links(letters)
        (link,) = links([letter for letter in letters if letter.to == ["new@example.com"]])
        assert client.get(link).status_code == 200  # what a mail scanner does
        assert not EmailAddress.objects.get(email="new@example.com").verified
        client.post(link)
        client.post(f"{ACCOUNT}addresses/", {"action_primary": "", "email": "new@example.com"})
        owner.refresh_from_db()
        assert owner.email == "new@example.com"
        assert not EmailAddress.objects.filter(email=stranger.email, user=owner, verified=True).exists()


FORM = {"name": "Nora", "email": "nora@example.com", "password1": NEW}


class TestSigningUp:
    @pytest.mark.parametrize(("mode", "status"), [("closed", 403), ("invited", 403), ("domain", 200), ("open", 200)])
    def test_is_open_as_the_setting_says(self, mode: str, status: int, db: None, settings: Any, client: Client) -> None:
        settings.AGENTOS_SIGN_UP, settings.AGENTOS_SIGN_UP_DOMAINS = mode, ["example.com"]
        assert client.get("/sign-up/").status_code == status
        assert ("Create an account" in client.get("/sign-in/").content.decode()) == (status == 200)
        if status == 403:
            assert client.post("/sign-up/", FORM).status_code == 403
            assert not User.objects.exists()

    def test_makes_an_account_that_is_opened_by_the_mail(self, db: None, settings: Any, client: Client, letters: Any) -> None:
        settings.AGENTOS_SIGN_UP = "open"
        assert client.post("/sign-up/", FORM)["Location"] == "/sign-up/mail/"
        user = User.objects.get()
        assert (user.email, user.name, user.is_staff) == ("nora@example.com", "Nora", False)
        assert Client().post("/sign-in/", {"email": user.email, "password": NEW})["Location"] == "/sign-up/mail/"
        link = links(letters)[0]
        assert client.post(link).status_code == 302
        assert enter_with(NEW, user.email).get(ACCOUNT).status_code == 200

    def test_says_nothing_of_who_has_an_account(self, owner: User, settings: Any, client: Client, letters: Any) -> None:
        settings.AGENTOS_SIGN_UP = "open"
        answer = client.post("/sign-up/", {**FORM, "email": owner.email})
        assert (answer.status_code, answer["Location"]) == (302, "/sign-up/mail/")
        links(letters)
        assert [letter.subject for letter in letters] == ["You have an account already"]
        owner.refresh_from_db()
        assert owner.check_password(PASSWORD)

    @pytest.mark.parametrize("email", ["eve@evil.example", "eve@sub.example.com", "eve@example.com.evil.example"])
    def test_by_domain_is_for_exactly_that_domain(self, email: str, db: None, settings: Any, client: Client) -> None:
        settings.AGENTOS_SIGN_UP, settings.AGENTOS_SIGN_UP_DOMAINS = "domain", ["example.com"]
        answer = client.post("/sign-up/", {**FORM, "email": email})
        assert answer.status_code == 422
        assert page(answer).texts("#outside .error") == ["Accounts here are for addresses of example.com."]
        assert not User.objects.exists()

    def test_without_a_mail_server_is_refused_at_the_start(self, db: None, settings: Any) -> None:
        settings.AGENTOS_SIGN_UP = "open"
        call_command("check")
        settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
        with pytest.raises(SystemCheckError, match="needs a mail server"):
            call_command("check")
        settings.AGENTOS_SIGN_UP = "domain"
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        with pytest.raises(SystemCheckError, match="AGENTOS_SIGN_UP_DOMAINS"):
            call_command("check")

    def test_by_an_invitation_joins_the_team_without_a_second_mail(self, owner: User, support: Team, client: Client, letters: Any) -> None:
        invitations.invite(email="nora@example.com", team=support, role="admin", by=owner)
        (link,) = links(letters)
        assert client.get(link)["Location"] == "/agentos/invitation/"
        assert client.get("/agentos/invitation/")["Location"] == "/sign-up/"
        shown = page(client.get("/sign-up/"))
        assert shown.one("#id_email")["value"] == "nora@example.com"
        assert client.post("/sign-up/", {**FORM, "email": "eve@example.com"}).status_code == 422
        assert client.post("/sign-up/", FORM)["Location"] == "/agentos/"
        user = User.objects.get(email="nora@example.com")
        assert Membership.objects.get(user=user).role == "admin"
        assert EmailAddress.objects.get(user=user).verified
        assert len(letters) == 1
        assert Client().get(link).status_code == 410


def enter_with(password: str, email: str) -> Client:
    client = Client()
    client.post("/sign-in/", {"email": email, "password": password})
    return client


class TestSecondFactor:
    @pytest.fixture
    def secret(self, owner: User, letters: Any) -> str:
        client = enter(owner)
        assert client.get(f"{ACCOUNT}factors/app/")["Location"].startswith(f"{ACCOUNT}again/")
        confirm(client)
        secret = page(client.get(f"{ACCOUNT}factors/app/")).text("#totp code")
        assert client.post(f"{ACCOUNT}factors/app/", {"code": "000000"}).status_code == 422
        answer = client.post(f"{ACCOUNT}factors/app/", {"code": code_of(secret)})
        assert answer["Location"] == f"{ACCOUNT}factors/codes/"
        shown = client.get(answer["Location"])
        self.codes = page(shown).texts("#codes-list code")
        assert len(self.codes) == 10
        assert not page(client.get(answer["Location"])).has("#codes-list")  # only once
        return secret

    def test_is_asked_for_after_the_password_and_taken_once(self, secret: str, owner: User) -> None:
        client = Client()
        assert client.post("/sign-in/", {"email": owner.email, "password": PASSWORD})["Location"] == "/sign-in/factor/"
        assert client.get(ACCOUNT).status_code == 302
        assert client.post("/sign-in/factor/", {"code": "000000"}).status_code == 422
        code = code_of(secret, 1)
        assert client.post("/sign-in/factor/", {"code": code})["Location"] == "/agentos/"
        assert client.get(ACCOUNT).status_code == 200
        other = Client()
        other.post("/sign-in/", {"email": owner.email, "password": PASSWORD})
        assert other.post("/sign-in/factor/", {"code": code}).status_code == 422
        assert other.post("/sign-in/factor/", {"code": self.codes[0]}).status_code == 302
        again = Client()
        again.post("/sign-in/", {"email": owner.email, "password": PASSWORD})
        assert again.post("/sign-in/factor/", {"code": self.codes[0]}).status_code == 422

    def test_is_not_guessed(self, secret: str, owner: User) -> None:
        client = Client()
        client.post("/sign-in/", {"email": owner.email, "password": PASSWORD})
        answers = [client.post("/sign-in/factor/", {"code": f"{n:06}"}, REMOTE_ADDR=f"203.0.113.{n}").status_code for n in range(11)]
        assert answers == [422] * 10 + [429]
        limits.forget()

    def test_is_sealed(self, secret: str) -> None:
        assert secret not in str(list(Authenticator.objects.values()))

    def test_is_wanted_of_operators_where_the_site_wants_it(self, operator: User, as_operator: Client, settings: Any) -> None:
        assert as_operator.get("/agentos/settings/models/").status_code == 200
        settings.AGENTOS_OPERATORS_NEED_FACTOR = True
        for path in ("/agentos/settings/models/", "/admin/", "/admin/access/user/"):
            answer = as_operator.get(path, follow=True)
            assert answer.redirect_chain[-1][0] == f"{ACCOUNT}factors/"
        assert as_operator.get("/agentos/").status_code == 200
        Authenticator.objects.create(user=operator, type="totp", data={"secret": "x"})
        assert as_operator.get("/admin/access/user/").status_code == 200


class TestWhereOneIsSignedIn:
    def test_is_listed_and_ended_one_by_one(self, owner: User, member: User) -> None:
        here, there = enter(owner), enter(owner)
        shown = page(here.get(ACCOUNT))
        assert shown.texts("#signed-in h3") == ["Chrome on Linux", "Chrome on Linux"]
        action = str(shown.one("#signed-in .row-card form")["action"])
        assert enter(member).post(action).status_code == 404
        assert here.post(action).status_code == 303
        assert (here.get(ACCOUNT).status_code, there.get(ACCOUNT).status_code) == (200, 302)

    async def test_ends_everywhere_else_and_with_it_what_is_open_there(self, transactional_db: None, owner: User) -> None:
        from asgiref.sync import sync_to_async

        from agentos.core import db

        def act() -> tuple[Client, Client]:
            return enter(owner), enter(owner)

        here, there = await sync_to_async(act)()
        registry = Registry()
        user = await sync_to_async(User.objects.get)(pk=owner.pk)
        open_there = registry.open(user, await sync_to_async(lambda: str(there.session.session_key))(), None)
        await sync_to_async(here.post)(f"{ACCOUNT}signed-in/end/")
        assert (await sync_to_async(here.get)(ACCOUNT)).status_code == 200
        assert (await sync_to_async(there.get)(ACCOUNT)).status_code == 302
        await registry.look()
        assert open_there.closed
        db.close()

    def test_costs_a_sign_in_no_more_with_twenty_of_before(self, owner: User) -> None:
        for _ in range(20):
            enter(owner)
        Session.objects.filter(session_key=UserSession.objects.first().session_key).delete()
        with CaptureQueriesContext(connection) as asked:
            enter(owner)
        assert len([query for query in asked if "SAVEPOINT" not in query["sql"]]) <= 15
        assert UserSession.objects.filter(user=owner).count() == 20

    def test_costs_a_page_nothing(self, owner: User, django_assert_num_queries: Any) -> None:
        """Two for who is signed in, as before there were accounts, and none that writes."""
        client = enter(owner)
        client.get("/agentos/settings/person/theme/")
        with django_assert_num_queries(2) as asked:
            client.get("/agentos/settings/person/theme/")
        assert not [query for query in asked if not query["sql"].startswith("SELECT")]


class TestTheEnd:
    def test_comes_after_two_weeks_and_takes_the_chats_along(self, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
        ChatSessionFactory(user=member)
        client = signed_in(member)
        client.post(f"{ACCOUNT}delete/", {"password": "wrong"})
        assert not Deletion.objects.exists()
        client.post(f"{ACCOUNT}delete/", {"password": PASSWORD})
        client.post(f"{ACCOUNT}delete/", {"undo": "1"})
        assert not Deletion.objects.exists()
        client.post(f"{ACCOUNT}delete/", {"password": PASSWORD})
        assert "Your account and your chats are deleted on" in client.get(ACCOUNT).content.decode()
        assert deleting.delete_due() == 0
        later = clock.now() + timedelta(days=14, seconds=1)
        monkeypatch.setattr(clock, "now", lambda: later)
        assert deleting.is_due()
        assert (deleting.delete_due(), deleting.delete_due()) == (0, 1)  # what runs is ended in between
        assert not User.objects.filter(pk=member.pk).exists()
        assert not ChatSession.objects.exists()

    def test_leaves_no_team_without_an_owner_and_no_site_without_an_operator(self, owner: User, operator: User) -> None:
        for user, said in ((owner, "only owner"), (operator, "only operator")):
            with pytest.raises(deleting.CannotDelete, match=said):
                deleting.ask(by=user)
