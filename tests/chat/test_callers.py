"""Who waits for an answer: whether they may still have it, and what a program is answered that has lost the right."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import OperationalError

from agentos.access import actions, sign_ins
from agentos.access.models import ApiToken, Team
from agentos.access.users import User
from agentos.agents.models import DjangoAgent
from agentos.chat.callers import AGENT, CHECK_SECONDS, LOGIN, LOST_RIGHTS, TOKEN, Caller, Watch, lost
from agentos.core import clock, db
from agentos.core.db import outage
from agentos.core.http.errors import Problem
from tests.conftest import signed_in
from tests.factories import ApiTokenFactory


@pytest.mark.parametrize(
    ("what", "status", "code"),
    [(TOKEN, 401, "invalid_token"), (LOGIN, 401, "authentication_error"), (AGENT, 403, "agent_closed")],
)
def test_each_loss_has_its_status_and_its_code(what: str, status: int, code: str) -> None:
    problem = lost(what)
    assert (problem.status, problem.code) == (status, code)


def test_whoever_waits_for_a_run_that_was_stopped_is_answered_the_same() -> None:
    assert {LOGIN: (lost(LOGIN).status, lost(LOGIN).code), AGENT: (lost(AGENT).status, lost(AGENT).code)} == {
        LOGIN: LOST_RIGHTS["suspended"],
        AGENT: LOST_RIGHTS["agent_closed"],
    }


def by_token(user: User, token: ApiToken, agent: DjangoAgent | None = None) -> Caller:
    return Caller(user.pk, sign_ins.hold_of(user), "", token.pk, agent.pk if agent else None)


def by_login(user: User, agent: DjangoAgent | None = None) -> Caller:
    return Caller(user.pk, sign_ins.hold_of(user), signed_in(user).session.session_key or "", None, agent.pk if agent else None)


def loses(caller: Caller, what: str) -> bool:
    with pytest.raises(Problem) as problem:
        caller.check()
    return problem.value.sentence == lost(what).sentence


@pytest.mark.django_db
class TestACaller:
    def test_by_token_is_there_as_long_as_that_token_works(self, member: User, operator: User) -> None:
        token, other = ApiTokenFactory(user=member), ApiTokenFactory(user=member)
        by_token(member, token).check()
        actions.revoke_token(by=member, token=token)
        assert loses(by_token(member, token), TOKEN)
        by_token(member, other).check()
        actions.suspend_user(user=member, by=operator)
        assert loses(by_token(member, other), TOKEN)

    def test_by_token_needs_no_login(self, member: User) -> None:
        caller = by_token(member, ApiTokenFactory(user=member))
        member.set_password("another, which ends every login")
        member.save()
        caller.check()

    def test_by_login_is_there_as_long_as_that_login_is(self, member: User, owner: User) -> None:
        caller, other = by_login(member), by_login(owner)
        caller.check()
        Session.objects.filter(session_key=caller.session_key).delete()
        assert loses(caller, LOGIN)
        other.check()
        Session.objects.update(expire_date=clock.now() - timedelta(seconds=1))
        assert loses(other, LOGIN)

    @pytest.mark.parametrize("how", ["suspended", "new password"])
    def test_by_login_is_not_there_once_its_user_is_signed_out(self, how: str, member: User, operator: User) -> None:
        caller = by_login(member)
        if how == "suspended":
            User.objects.filter(pk=member.pk).update(is_active=False)
        else:
            member.set_password("another")
            member.save()
        assert loses(caller, LOGIN)

    def test_needs_the_right_to_the_agent_whose_answer_it_is(
        self, member: User, support: Team, team_agent: DjangoAgent, everyone_agent: DjangoAgent
    ) -> None:
        token = ApiTokenFactory(user=member)
        by_token(member, token, team_agent).check()
        member.memberships.get().delete()
        assert loses(by_token(member, token, team_agent), AGENT)
        assert loses(by_login(member, team_agent), AGENT)
        by_token(member, token, everyone_agent).check()
        by_token(member, token).check()


class TestAWatch:
    @pytest.fixture
    def checks(self, monkeypatch: pytest.MonkeyPatch) -> list[Exception | None]:
        """What each check of the caller finds, taken from the front."""
        finds: list[Exception | None] = []

        async def read(check: object) -> None:
            if found := finds.pop(0):
                raise found

        monkeypatch.setattr(db, "read", read)
        return finds

    @pytest.fixture
    async def watch(self) -> Watch:
        watch = Watch(Caller(1, "", "", 1, None))
        watch.now = lambda: 100.0
        watch.due = 100.0
        return watch

    async def test_asks_when_it_is_due_and_then_not_for_a_while(self, watch: Watch, checks: list[Exception | None]) -> None:
        checks += [None, lost(TOKEN)]
        await watch.look()
        watch.now = lambda: 100.0 + CHECK_SECONDS - 0.1
        await watch.look()
        assert len(checks) == 1
        watch.now = lambda: 100.0 + CHECK_SECONDS
        with pytest.raises(Problem):
            await watch.look()

    async def test_outlasts_a_database_that_is_away_and_says_so(
        self, watch: Watch, checks: list[Exception | None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        noted: list[Exception] = []
        monkeypatch.setattr(outage, "note", noted.append)
        away = OperationalError("the server has gone")
        checks.append(away)
        await watch.look()
        assert noted == [away]
