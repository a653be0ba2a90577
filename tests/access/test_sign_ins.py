"""Which sign-ins are still good, with each of Django's session engines."""

from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from agentos.access.logins import Accounts
from agentos.access.models import User
from agentos.access.sign_ins import alive, hold_of

KEPT = (
    "agentos.access.logins",
    "django.contrib.sessions.backends.db",
    "django.contrib.sessions.backends.cached_db",
    "django.contrib.sessions.backends.cache",
)


class TestASession:
    @pytest.mark.parametrize("engine", KEPT)
    def test_is_good_until_it_ends(self, settings: Any, engine: str, db: None) -> None:
        settings.SESSION_ENGINE = engine
        store = import_module(engine).SessionStore()
        store["a"] = 1
        store.save()
        assert alive([store.session_key, "another"]) == {store.session_key}
        store.flush()
        assert alive([store.session_key or "gone"]) == set()

    def test_that_has_expired_is_over(self, settings: Any, db: None) -> None:
        settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
        Session.objects.create(session_key="old", session_data="", expire_date=timezone.now() - timedelta(seconds=1))
        assert alive(["old"]) == set()

    def test_that_the_browser_keeps_is_good_as_long_as_the_browser_has_it(self, settings: Any) -> None:
        settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
        assert alive(["a", "b"]) == {"a", "b"}


class TestASignIn:
    def test_hangs_on_the_password_and_on_being_signed_out_everywhere(self, owner: User) -> None:
        before = hold_of(owner)
        owner.sign_outs += 1
        between = hold_of(owner)
        owner.set_password("another one")
        assert len({before, between, hold_of(owner)}) == 3


def test_a_login_is_nobodys_once_its_user_is_suspended(member: User, suspended: User) -> None:
    assert Accounts().get_user(member.pk) == member
    assert Accounts().get_user(suspended.pk) is None
    assert Accounts().get_user(0) is None
