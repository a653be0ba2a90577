"""How operators are made: by whoever has the link that the server printed, once, and never by whoever comes first."""

import io
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from django.test import Client

from agentos.access.models import Membership, User
from agentos.audit.models import AuditRecord
from agentos.core import clock
from agentos.core.starting import welcome
from agentos.core.starting.refusal import CannotStart
from agentos.operations import actions, links, queries
from agentos.operations.models import SetupLink
from tests.factories import UserFactory
from tests.html import page
from tests.site_config.test_asgi import Caller

PASSWORD = "quite a long and odd one"
ADDRESS = "http://127.0.0.1:8000"


def fields(token: str, **other: str) -> dict[str, str]:
    return {"token": token, "email": "Olga@Example.com", "name": "Olga", "password": PASSWORD, "again": PASSWORD, **other}


@pytest.fixture
def token(db: None) -> str:
    return actions.make_link(by=None)


class TestTheLink:
    def test_is_printed_by_a_server_without_accounts_alone(self, db: None, settings: Any) -> None:
        from agentos.core.management.commands.agentos_serve import first_account

        said = first_account(ADDRESS)
        found = re.fullmatch(r"There is no account yet\..*\nhttp://127.0.0.1:8000/setup/\?token=([\w-]{40,})", said)
        assert found
        assert queries.link_of(found[1])
        UserFactory()
        assert first_account(ADDRESS) == ""

    def test_leads_to_where_people_open_the_site(self, token: str, settings: Any) -> None:
        settings.AGENTOS_ORIGIN = "https://chat.example.com"
        assert links.link(token, ADDRESS) == f"https://chat.example.com/setup/?token={token}"

    def test_is_a_command_in_a_project_without_the_page(self, db: None, settings: Any) -> None:
        settings.ROOT_URLCONF = "tests.foreign.urls"
        (line,) = welcome.first_account(ADDRESS)
        assert "agentos_createoperator EMAIL" in line
        assert not SetupLink.objects.exists()

    def test_is_stored_as_a_digest(self, token: str) -> None:
        assert token not in str(list(SetupLink.objects.values_list()))
        assert AuditRecord.objects.filter(verb="operations.setup_link.created").count() == 1

    def test_is_over_after_a_day(self, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
        later = clock.now() + actions.LIFE + timedelta(seconds=1)
        monkeypatch.setattr(clock, "now", lambda: later)
        assert queries.link_of(token) is None
        actions.make_link(by=None)
        assert SetupLink.objects.count() == 1  # the old one is forgotten

    async def test_is_in_no_line_of_the_log(self, transactional_db: None, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("INFO")
        await Caller().ask("GET", "/setup/", query="token=a-secret-token")
        assert "/setup/ 404" in caplog.text
        assert "a-secret-token" not in caplog.text


class TestThePage:
    def test_makes_an_operator_who_is_signed_in_and_no_second_one(self, token: str, client: Client) -> None:
        shown = client.get("/setup/", {"token": token})
        assert shown.status_code == 200
        assert page(shown).one("#set-up [name=token]")["value"] == token
        answer = client.post("/setup/", fields(token))
        assert (answer.status_code, answer["Location"]) == (302, "/agentos/")
        user = User.objects.get()
        assert (user.email, user.name, user.is_staff, user.is_superuser) == ("olga@example.com", "Olga", True, True)
        assert user.check_password(PASSWORD)
        assert client.get("/admin/").status_code == 200
        assert AuditRecord.objects.filter(verb="access.user.created").count() == 1
        for again in (Client().get("/setup/", {"token": token}), Client().post("/setup/", fields(token, email="eve@example.com"))):
            assert again.status_code == 404
            assert "This link does not work" in again.content.decode()
        assert User.objects.count() == 1

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"email": ""}, "Enter your e-mail address"),
            ({"email": "olga"}, "This is not an e-mail address"),
            ({"password": "", "again": ""}, "Choose a password"),
            ({"again": "another"}, "The two passwords are not the same"),
            ({"password": "password1", "again": "password1"}, "too common"),
            ({"password": "olga@example.com", "again": "olga@example.com"}, "too similar"),
            ({"name": "x" * 101}, "at most 100 characters"),
            ({"team": "x" * 101}, "at most 100 characters"),
        ],
    )
    def test_says_what_is_wrong_and_lets_one_mend_it(self, wrong: dict[str, str], said: str, token: str, client: Client) -> None:
        answer = client.post("/setup/", fields(token, **wrong))
        assert answer.status_code == 422
        assert said in answer.content.decode()
        assert not User.objects.exists()
        assert PASSWORD not in answer.content.decode()
        assert page(answer).one("#set-up [autofocus]")["name"] == ("password" if "again" in wrong else next(iter(wrong)))
        assert client.post("/setup/", fields(token)).status_code == 302

    @pytest.mark.parametrize("token", ["", "wrong", "\0", "ä" * 1000])
    def test_is_there_for_nobody_else(self, db: None, token: str, client: Client) -> None:
        assert client.get("/setup/", {"token": token}).status_code == 404
        assert client.post("/setup/", fields(token)).status_code == 404
        assert not User.objects.exists()

    def test_makes_the_first_team(self, token: str, client: Client) -> None:
        assert client.post("/setup/", fields(token, team=" Acme  Ltd ")).status_code == 302
        membership = Membership.objects.get()
        assert (membership.team.name, membership.user, membership.role) == ("Acme Ltd", User.objects.get(), "owner")

    def test_is_over_once_there_is_an_account(self, token: str, client: Client) -> None:
        UserFactory()
        assert client.get("/setup/", {"token": token}).status_code == 404
        with pytest.raises(actions.LinkIsOver):
            actions.set_up(token=token, email="eve@example.com", password=PASSWORD, by=None)

    def test_of_a_link_for_somebody_makes_their_account_alone(self, member: User, client: Client) -> None:
        token = actions.make_link(email="Nora@Example.com", name="Nora", by=None)
        shown = page(client.get("/setup/", {"token": token}))
        assert shown.one("[name=email]")["value"] == "nora@example.com"
        assert client.post("/setup/", fields(token, email="eve@example.com", name="")).status_code == 302
        made = User.objects.get(is_staff=True)
        assert (made.email, made.name) == ("nora@example.com", "Nora")
        assert client.get("/setup/", {"token": token}).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_thirty_at_once_make_one_operator() -> None:
    tokens = [actions.make_link(by=None) for _ in range(3)]
    start = threading.Barrier(30)

    def try_it(number: int) -> bool:
        try:
            start.wait(60)
            actions.set_up(token=tokens[number % 3], email=f"person-{number}@example.com", password=PASSWORD, by=None)
        except actions.LinkIsOver:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(30) as crowd:
        made = list(crowd.map(try_it, range(30)))
    assert made.count(True) == 1
    assert User.objects.count() == 1
    assert not SetupLink.objects.exists()


class TestSetup:
    """``agentos setup``, for scripts."""

    def run(self, email: str, monkeypatch: pytest.MonkeyPatch, given: str = f"{PASSWORD}\n") -> str:
        said = io.StringIO()
        monkeypatch.setattr("sys.stdin", io.StringIO(given))
        call_command("agentos_setup", email, "--team", "Acme", stdout=said)
        return said.getvalue()

    def test_makes_the_first_operator_once(self, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.run("olga@example.com", monkeypatch) == "olga@example.com is an operator now.\n"
        assert "already: nothing was changed" in self.run("Olga@Example.com", monkeypatch, "another password\n")
        user = User.objects.get()
        assert user.check_password(PASSWORD)
        assert Membership.objects.get(user=user).team.name == "Acme"
        assert not SetupLink.objects.exists()

    def test_refuses_where_somebody_else_is_there(self, member: User, operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
        for email in ("nora@example.com", member.email):
            with pytest.raises(CannotStart, match="There are accounts already"):
                self.run(email, monkeypatch)
        assert not SetupLink.objects.exists()

    def test_says_what_is_wrong(self, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(CannotStart, match="too short"):
            self.run("olga@example.com", monkeypatch, "short\n")
        assert not User.objects.exists()
        assert not SetupLink.objects.exists()

    @pytest.mark.django_db(transaction=True)
    def test_thirty_at_once_make_one(self) -> None:
        start = threading.Barrier(30)

        def one(number: int) -> bool:
            try:
                start.wait(60)
                return actions.set_up_by_script(email=f"person-{number}@example.com", password=PASSWORD, by=None)[1]
            except actions.LinkIsOver:
                return False
            finally:
                connections.close_all()

        with ThreadPoolExecutor(30) as crowd:
            assert list(crowd.map(one, range(30))).count(True) == 1
        assert User.objects.count() == 1
        assert not SetupLink.objects.exists()


class TestTheCommand:
    def run(self, *words: str, given: str = "", monkeypatch: pytest.MonkeyPatch | None = None) -> str:
        said = io.StringIO()
        if monkeypatch:
            monkeypatch.setattr("sys.stdin", io.StringIO(given))
        call_command("agentos_createoperator", *words, stdout=said)
        return said.getvalue()

    def test_makes_an_operator_with_a_password_from_standard_input(self, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        said = self.run("olga@example.com", "--name", "Olga", "--password-stdin", given=f"{PASSWORD}\n", monkeypatch=monkeypatch)
        assert said == "olga@example.com is an operator now.\n"
        user = User.objects.get()
        assert user.check_password(PASSWORD)
        assert (user.name, user.is_staff, user.is_superuser) == ("Olga", True, True)

    def test_makes_a_team_for_scripts(self, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        self.run("olga@example.com", "--team", "Acme", "--password-stdin", given=f"{PASSWORD}\n", monkeypatch=monkeypatch)
        assert Membership.objects.get(team__name="Acme").role == "owner"
        with pytest.raises(CannotStart, match="There is a team with this name already"):
            self.run("nora@example.com", "--team", "Acme", "--password-stdin", given=f"{PASSWORD}\n", monkeypatch=monkeypatch)
        assert User.objects.count() == 1

    @pytest.mark.parametrize(
        ("email", "password", "sentence"),
        [
            ("olga", PASSWORD, "Enter an e-mail address"),
            ("MEMBER@example.com", PASSWORD, "There is an account with this e-mail address already"),
            ("olga@example.com", "short", "too short"),
            ("olga@example.com", "", "too short"),
        ],
    )
    def test_says_what_is_wrong(self, email: str, password: str, sentence: str, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(CannotStart, match=sentence):
            self.run(email, "--password-stdin", given=f"{password}\n", monkeypatch=monkeypatch)
        assert User.objects.count() == 1

    def test_asks_at_a_terminal_twice(self, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(CannotStart, match="no terminal"):
            self.run("olga@example.com", given="", monkeypatch=monkeypatch)
        monkeypatch.setattr("sys.stdin.isatty", lambda: True)
        typed = iter([PASSWORD, "another", PASSWORD, PASSWORD])
        monkeypatch.setattr("getpass.getpass", lambda _: next(typed))
        with pytest.raises(CannotStart, match="not the same"):
            self.run("olga@example.com")
        assert "is an operator now" in self.run("olga@example.com")

    def test_prints_a_link(self, member: User) -> None:
        said = self.run("olga@example.com", "--link")
        token = said.strip().partition("token=")[2]
        found = queries.link_of(token)
        assert found
        assert found.email == "olga@example.com"
        with pytest.raises(CannotStart, match="already"):
            self.run("member@example.com", "--link")
