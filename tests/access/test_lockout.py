"""Guessing passwords: what slows it, and what it does not do to others."""

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agentos.access.models import User
from agentos.core.ratelimit import limits
from tests.access.test_views import sign_in
from tests.factories import PASSWORD
from tests.html import page


def guess(client: Client, email: str = "owner@example.com", times: int = 5, **more: Any) -> Any:
    for _ in range(times):
        answer = client.post("/sign-in/", {"email": email, "password": "wrong"}, **more)
    return answer


class TestFiveWrongPasswords:
    def test_lock_the_account_also_for_the_right_one(self, anonymous: Client, owner: User) -> None:
        assert guess(anonymous, times=4).status_code == 422
        answer = guess(anonymous, times=1)
        assert answer.status_code == 429
        answer = sign_in(anonymous, owner.email)
        assert answer.status_code == 429
        assert page(answer).texts("[role=alert]") == [
            "There were too many sign-in attempts with this address. Wait 15 minutes, then try again."
        ]
        assert 890 < int(answer["Retry-After"]) <= 900
        assert "_auth_user_id" not in anonymous.session

    def test_lock_it_however_it_is_written(self, anonymous: Client, owner: User) -> None:
        for email in ("owner@example.com", "OWNER@example.com", " Owner@Example.com ", "owner@EXAMPLE.com", "Owner@example.com"):
            guess(anonymous, email, times=1)
        assert sign_in(anonymous, owner.email).status_code == 429

    def test_lock_it_whatever_browser_they_come_from(self, anonymous: Client, owner: User) -> None:
        for number in range(5):
            guess(anonymous, times=1, HTTP_USER_AGENT=f"Browser {number}")
        assert sign_in(anonymous, owner.email).status_code == 429

    def test_do_not_lock_the_owner_out_who_is_elsewhere(self, anonymous: Client, owner: User) -> None:
        guess(anonymous, REMOTE_ADDR="203.0.113.9")
        assert sign_in(anonymous, owner.email).status_code == 302

    def test_do_not_lock_others_at_the_same_address(self, anonymous: Client, owner: User, member: User) -> None:
        guess(anonymous)
        assert sign_in(anonymous, member.email).status_code == 302

    def test_cannot_be_spread_over_forged_addresses(self, anonymous: Client, owner: User) -> None:
        for number in range(5):
            guess(anonymous, times=1, HTTP_X_FORWARDED_FOR=f"203.0.113.{number}")
        assert sign_in(anonymous, owner.email).status_code == 429

    def test_cannot_be_spread_over_the_addresses_of_one_network(self, anonymous: Client, owner: User) -> None:
        for number in range(5):
            guess(anonymous, times=1, REMOTE_ADDR=f"2001:db8:1:2::{number}")
        right = {"email": owner.email, "password": PASSWORD}
        answer = anonymous.post("/sign-in/", right, REMOTE_ADDR="2001:db8:1:2:aaaa::1")
        assert (answer.status_code, int(answer["Retry-After"]) > 890) == (429, True)
        assert anonymous.post("/sign-in/", right, REMOTE_ADDR="2001:db8:1:3::1").status_code == 302

    def test_tell_nothing_of_who_has_an_account(self, anonymous: Client, owner: User) -> None:
        there, missing = guess(anonymous, owner.email), guess(anonymous, "nobody@example.com")
        assert there.status_code == missing.status_code
        assert page(there).texts("[role=alert]") == page(missing).texts("[role=alert]")

    def test_are_forgotten_after_a_while(self, anonymous: Client, owner: User) -> None:
        guess(anonymous)
        AccessAttempt.objects.update(attempt_time=AccessAttempt.objects.get().attempt_time - timedelta(minutes=15, seconds=1))
        assert sign_in(anonymous, owner.email).status_code == 302

    def test_say_a_minute_when_it_is_one(self, anonymous: Client, owner: User) -> None:
        guess(anonymous)
        AccessAttempt.objects.update(attempt_time=AccessAttempt.objects.get().attempt_time - timedelta(minutes=14, seconds=30))
        (sentence,) = page(sign_in(anonymous, owner.email)).texts("[role=alert]")
        assert "Wait a minute, then try again." in sentence

    def test_lock_no_longer_when_more_follow(self, anonymous: Client, owner: User) -> None:
        guess(anonymous)
        before = AccessAttempt.objects.get()
        guess(anonymous)
        after = AccessAttempt.objects.get()
        assert (before.attempt_time, before.failures_since_start) == (after.attempt_time, after.failures_since_start)

    def test_keep_no_password(self, anonymous: Client, owner: User) -> None:
        anonymous.post("/sign-in/", {"email": owner.email, "password": "almost right"})
        assert "almost" not in str(AccessAttempt.objects.values()[0])

    def test_count_again_after_the_right_one(self, anonymous: Client, owner: User) -> None:
        guess(anonymous, times=4)
        sign_in(anonymous, owner.email)
        anonymous.post("/sign-out/")
        assert guess(anonymous, times=4).status_code == 422

    def test_at_the_admins_login_are_asked_at_the_one_door(self, anonymous: Client, operator: User) -> None:
        answer = anonymous.post("/admin/login/", {"username": operator.email, "password": PASSWORD})
        assert answer.status_code == 302
        assert answer["Location"].startswith("/sign-in/")
        assert "_auth_user_id" not in anonymous.session


class TestManyAttemptsFromOneAddress:
    @pytest.fixture(autouse=True)
    def limit(self, settings: Any) -> None:
        settings.AGENTOS_SIGN_INS_A_MINUTE = 3
        limits.forget()

    def test_are_refused_whoever_they_are_for(self, anonymous: Client, owner: User) -> None:
        for number in range(3):
            assert guess(anonymous, f"person-{number}@example.com", times=1).status_code == 422
        answer = sign_in(anonymous, owner.email)
        assert answer.status_code == 429
        assert int(answer["Retry-After"]) >= 1
        assert answer["RateLimit"].startswith('"sign-in";r=0;t=')
        assert "too much at once" in page(answer).text("#sign-in-refused")
        assert page(answer).has("#id_email")

    def test_let_others_in(self, anonymous: Client, owner: User) -> None:
        guess(anonymous, times=4)
        assert anonymous.post("/sign-in/", {"email": owner.email, "password": PASSWORD}, REMOTE_ADDR="203.0.113.9").status_code == 302


class TestSignIn:
    def test_takes_few_queries(self, anonymous: Client, owner: User) -> None:
        with CaptureQueriesContext(connection) as asked:
            sign_in(anonymous, owner.email)
        assert len([query for query in asked if "SAVEPOINT" not in query["sql"]]) <= 15

    def test_takes_one_to_show_the_form(self, anonymous: Client, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(1):  # which providers there are
            anonymous.get("/sign-in/")
