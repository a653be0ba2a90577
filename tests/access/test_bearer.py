"""The token that a request shows: one rule for every face."""

from typing import Any

import pytest
from django.http import HttpRequest
from django.test import RequestFactory

from agentos.access import actions, tokens
from agentos.access.bearer import shows_token, token_shown_by
from agentos.access.models import User
from agentos.core.http.errors import Problem

pytestmark = pytest.mark.django_db


def showing(rf: RequestFactory, secret: str, address: str = "192.0.2.1") -> HttpRequest:
    return rf.get("/", headers={"Authorization": f"Bearer {secret}"}, REMOTE_ADDR=address)


class TestTokenShownBy:
    def test_gives_the_token(self, rf: RequestFactory, member: User) -> None:
        token, secret = actions.create_token(by=member, name="A program", scopes=["agents:read"])
        assert token_shown_by(showing(rf, secret)) == token

    def test_refuses_what_does_not_work(self, rf: RequestFactory) -> None:
        with pytest.raises(Problem) as refused:
            token_shown_by(showing(rf, tokens.new_secret()))
        assert (refused.value.status, refused.value.code) == (401, "invalid_token")

    def test_lets_one_address_guess_so_often(self, rf: RequestFactory, member: User, settings: Any) -> None:
        settings.AGENTOS_BAD_TOKENS_A_MINUTE = 2
        _, secret = actions.create_token(by=member, name="A program", scopes=["agents:read"])
        statuses = []
        for address in ("192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"):
            with pytest.raises(Problem) as refused:
                token_shown_by(showing(rf, "agentos_guessed", address))
            statuses.append(refused.value.status)
        assert statuses == [401, 401, 429, 401]
        assert token_shown_by(showing(rf, secret))  # who has a good one is not shut out by a neighbour's guesses

    def test_counts_what_comes_from_an_address(self, rf: RequestFactory, owner: User, member: User, settings: Any) -> None:
        settings.AGENTOS_ADDRESS_REQUESTS_A_MINUTE = 1
        secrets = [actions.create_token(by=user, name="A program", scopes=["agents:read"])[1] for user in (owner, member)]
        assert token_shown_by(showing(rf, secrets[0]))
        with pytest.raises(Problem) as refused:
            token_shown_by(showing(rf, secrets[1]))
        assert refused.value.status == 429
        assert token_shown_by(showing(rf, secrets[1], "192.0.2.2"))

    def test_counts_the_use_of_a_token(self, rf: RequestFactory, member: User, settings: Any) -> None:
        settings.AGENTOS_TOKEN_REQUESTS_A_MINUTE = 1
        _, secret = actions.create_token(by=member, name="A program", scopes=["agents:read"])
        assert token_shown_by(showing(rf, secret))
        with pytest.raises(Problem) as refused:
            token_shown_by(showing(rf, secret, "192.0.2.2"))
        assert refused.value.status == 429


class TestShowsToken:
    @pytest.mark.parametrize(("header", "expected"), [("Bearer x", True), ("bearer", True), ("Basic x", False), ("", False)])
    def test_knows_the_scheme(self, rf: RequestFactory, header: str, expected: bool) -> None:
        assert shows_token(rf.get("/", headers={"Authorization": header})) is expected
