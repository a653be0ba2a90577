"""Which sign-ins are still good, asked for many at once and without their requests. Any of Django's session engines will do."""

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.backends.signed_cookies import SessionStore as CookieStore
from django.utils import timezone


def hold_of(user: AbstractBaseUser) -> str:
    """Return what a sign-in hangs on, as the password: when it has become another, the sign-in is over."""
    return user.get_session_auth_hash()


def alive(keys: Iterable[str]) -> set[str]:
    """Return those sessions that have neither ended nor expired."""
    store: Any = import_module(settings.SESSION_ENGINE).SessionStore
    if issubclass(store, DatabaseStore):
        sessions = store.get_model_class().objects.filter(session_key__in=set(keys), expire_date__gt=timezone.now())
        return set(sessions.values_list("session_key", flat=True))
    if issubclass(store, CookieStore):  # the browser has all there is of them
        return set(keys)
    return {key for key in keys if store().exists(key)}
