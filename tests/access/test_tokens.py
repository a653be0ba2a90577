"""API tokens: their text, their life, and whom they open the door to."""

import re
import zlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from agentos.access import actions, tokens
from agentos.access.forms import TokenForm
from agentos.access.models import ApiToken, User
from agentos.access.queries import ENDED_LISTED, accounts_for_tokens_of, listed_tokens, tokens_for
from agentos.audit.models import AuditRecord
from agentos.core import clock
from agentos.core.http.errors import Problem
from tests.factories import ApiTokenFactory, UserFactory

Queries = Callable[..., Any]


def make(user: User, **more: Any) -> tuple[ApiToken, str]:
    return actions.create_token(by=user, **{"name": "Laptop", "scopes": ["agents:read"], **more})


class TestSecret:
    def test_can_be_found_in_source_code(self) -> None:
        assert re.fullmatch(r"agentos_[0-9A-Za-z]{36}", tokens.new_secret())

    def test_is_never_the_same(self) -> None:
        assert len({tokens.new_secret() for _ in range(1000)}) == 1000

    def test_ends_in_its_checksum(self) -> None:
        body = "agentos_" + "0" * 30
        digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
        number = sum(digits.index(digit) * 62**place for place, digit in enumerate(reversed(tokens.checksum(body))))
        assert number == zlib.crc32(body.encode())
        assert tokens.is_well_formed(body + tokens.checksum(body))

    @given(st.integers(8, 43), st.sampled_from(tokens.ALPHABET))
    def test_is_refused_with_one_character_changed(self, place: int, other: str) -> None:
        secret = tokens.new_secret()
        changed = secret[:place] + other + secret[place + 1 :]
        assert tokens.is_well_formed(changed) == (changed == secret)

    @pytest.mark.parametrize("text", ["", "agentos_", "Bearer x", "agentos_" + "0" * 36, "agentos_" + "é" * 36, "x" * 10_000])
    def test_that_is_none_costs_no_query(self, db: None, django_assert_num_queries: Queries, text: str) -> None:
        with django_assert_num_queries(0):
            assert tokens.authenticate(text) is None

    def test_followed_by_a_line_break_is_refused(self, owner: User) -> None:
        assert tokens.authenticate(make(owner)[1] + "\n") is None


class TestCreateToken:
    def test_keeps_a_digest_and_no_text(self, owner: User) -> None:
        token, secret = make(owner)
        kept = " ".join(str(value) for value in ApiToken.objects.filter(pk=token.pk).values_list()[0])
        assert secret not in kept
        assert secret[8:38] not in kept
        assert token.hint == f"{secret[:12]}…{secret[-4:]}"

    def test_lasts_ninety_days_unless_somebody_chooses(self, owner: User) -> None:
        token, _ = make(owner)
        assert token.expires_at - token.created_at == timedelta(days=90)
        token, _ = make(owner, days=7)
        assert token.expires_at - token.created_at == timedelta(days=7)

    def test_leaves_an_audit_record_without_the_secret(self, owner: User) -> None:
        token, secret = make(owner)
        record = AuditRecord.objects.get(verb="access.token.created")
        assert (record.actor, record.object_id) == (owner, str(token.pk))
        assert secret not in str(record.data)

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"name": "  "}, "name"),
            ({"name": "x" * 101}, "name"),
            ({"scopes": []}, "scopes"),
            ({"scopes": ["agents:read", "everything"]}, "scopes"),
            ({"days": 0}, "days"),
            ({"days": 366}, "days"),
        ],
    )
    def test_refuses_what_cannot_be(self, owner: User, wrong: dict[str, Any], field: str) -> None:
        with pytest.raises(actions.InvalidToken) as refused:
            make(owner, **wrong)
        assert refused.value.field == field
        assert not ApiToken.objects.exists()

    def test_refuses_the_fifty_first_that_is_usable(self, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(actions, "TOKENS_LIMIT", 2)
        first, _ = make(owner)
        make(owner)
        with pytest.raises(actions.InvalidToken, match="Revoke one first"):
            make(owner)
        actions.revoke_token(by=owner, token=first)
        make(owner)

    def test_counts_while_the_account_is_held(self, owner: User) -> None:
        """Two requests at once do not count past each other: the row is asked for first, and held where rows can be."""
        with CaptureQueriesContext(connection) as captured:
            make(owner)
        said = [query["sql"] for query in captured]
        held = next(place for place, sql in enumerate(said) if 'FROM "access_user"' in sql)
        assert held < next(place for place, sql in enumerate(said) if "COUNT" in sql and '"access_apitoken"' in sql)
        assert ("FOR UPDATE" in said[held]) == connection.features.has_select_for_update

    def test_is_for_oneself_or_for_an_account_that_nobody_signs_in_to(self, operator: User, owner: User) -> None:
        with pytest.raises(actions.InvalidToken) as refused:
            make(operator, owner=owner)
        assert refused.value.field == "user"
        service = UserFactory(password=None)
        assert not service.has_usable_password()
        assert make(operator, owner=service)[0].user == service
        assert make(operator, owner=operator)[0].user == operator

    def test_takes_a_name_of_any_length_up_to_the_limit(self, owner: User) -> None:
        for name in ("x", "x" * actions.NAME_LIMIT):
            assert make(owner, name=f"  {name} ")[0].name == name

    def test_lasts_a_day_at_least_and_a_year_at_most(self, owner: User) -> None:
        for days in (1, tokens.LONGEST):
            token, _ = make(owner, days=days)
            assert token.expires_at - token.created_at == timedelta(days=days)

    @override_settings(AGENTOS_CREATIONS_A_MINUTE=1)
    def test_is_made_so_often_a_minute_and_not_more(self, owner: User, member: User) -> None:
        make(owner)
        with pytest.raises(Problem) as refused:
            make(owner)
        assert refused.value.status == 429
        make(member)


class TestAuthenticate:
    def test_gives_the_token_with_its_user_for_one_query(self, owner: User, django_assert_num_queries: Queries) -> None:
        token, secret = make(owner, scopes=["runs:write", "sessions:read"])
        tokens.authenticate(secret)  # notes the use
        with django_assert_num_queries(1):
            found = tokens.authenticate(secret)
            assert found == token
            assert found.user == owner
        assert found.allows("runs:write")
        assert not found.allows("agents:read")

    def test_refuses_a_well_formed_text_that_nobody_was_given(self, owner: User) -> None:
        make(owner)
        assert tokens.authenticate(tokens.new_secret()) is None

    def test_refuses_a_revoked_token(self, owner: User, operator: User) -> None:
        token, secret = make(owner)
        actions.revoke_token(by=operator, token=token)
        assert tokens.authenticate(secret) is None

    def test_refuses_an_expired_token(self, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        _, secret = make(owner, days=7)
        now = clock.now()
        monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=6, hours=23))
        assert tokens.authenticate(secret)
        monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=7, seconds=1))
        assert tokens.authenticate(secret) is None

    def test_refuses_a_suspended_owner_until_they_are_back(self, owner: User, operator: User) -> None:
        _, secret = make(owner)
        actions.suspend_user(user=owner, by=operator)
        assert tokens.authenticate(secret) is None
        actions.reinstate_user(user=owner, by=operator)
        assert tokens.authenticate(secret)

    def test_outlives_a_new_password(self, owner: User) -> None:
        _, secret = make(owner)
        owner.set_password("another long one")
        owner.save()
        assert tokens.authenticate(secret)

    def test_notes_the_use_at_most_once_a_minute(
        self, owner: User, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Queries
    ) -> None:
        token, secret = make(owner)
        now = clock.now()
        monkeypatch.setattr(clock, "now", lambda: now)
        with django_assert_num_queries(2):
            tokens.authenticate(secret)
        monkeypatch.setattr(clock, "now", lambda: now + timedelta(seconds=59))
        with django_assert_num_queries(1):
            tokens.authenticate(secret)
        token.refresh_from_db()
        assert token.last_used_at == now
        monkeypatch.setattr(clock, "now", lambda: now + timedelta(seconds=60))
        tokens.authenticate(secret)
        token.refresh_from_db()
        assert token.last_used_at == now + timedelta(seconds=60)


class TestRevokeToken:
    def test_says_who_and_does_it_once(self, owner: User, operator: User) -> None:
        token, _ = make(owner)
        actions.revoke_token(by=operator, token=token)
        actions.revoke_token(by=owner, token=token)
        token.refresh_from_db()
        assert token.revoked_by == operator
        record = AuditRecord.objects.get(verb="access.token.revoked")
        assert (record.actor, record.data) == (operator, {"owner": owner.pk})


class TestTokensFor:
    def test_are_the_users_own(self, owner: User, member: User) -> None:
        mine, _ = make(owner)
        make(member)
        assert list(tokens_for(owner)) == [mine]

    def test_say_what_state_they_are_in(self, owner: User, operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
        token, _ = make(owner)
        assert token.state == "active"
        actions.suspend_user(user=owner, by=operator)
        assert tokens_for(owner).get().state == "suspended"
        now = clock.now()
        monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=91))
        assert tokens_for(owner).get().state == "expired"
        actions.revoke_token(by=operator, token=token)
        assert tokens_for(owner).get().state == "revoked"

    def test_are_listed_with_the_usable_ones_first_and_a_few_of_the_others(self, owner: User) -> None:
        now = clock.now()
        ended = [
            ApiTokenFactory(user=owner, expires_at=now, created_at=now - timedelta(hours=number)) for number in range(ENDED_LISTED + 1)
        ]
        usable = ApiTokenFactory(user=owner, created_at=now - timedelta(days=80))
        ApiTokenFactory()
        assert listed_tokens(owner) == [usable, *ended[:ENDED_LISTED]]


class TestAccountsForTokens:
    def test_are_the_operators_own_and_those_that_nobody_signs_in_to(self, operator: User, owner: User) -> None:
        service = UserFactory(password=None)
        UserFactory(password=None, is_active=False)
        assert set(accounts_for_tokens_of(operator)) == {operator, service}


def test_the_form_offers_no_time_that_is_too_long() -> None:
    offered = [days for days, _ in TokenForm.base_fields["days"].choices]  # type: ignore[attr-defined]
    assert tokens.DAYS in offered
    assert max(offered) == tokens.LONGEST


def test_one_is_usable_until_its_end_and_no_longer(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    token = ApiTokenFactory()
    for moment, is_usable in ((token.expires_at - timedelta(seconds=1), True), (token.expires_at, False)):
        monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
        assert token.is_usable == is_usable
        assert (token.state == "expired") != is_usable
