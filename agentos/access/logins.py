"""Who is signed in, asked at every request: Django's own sessions and accounts, read by statements that are made once."""

from datetime import datetime
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.models import Session

from agentos.access.users import User
from agentos.core import clock
from agentos.core.db.prepared import Query

_SESSION = Query(lambda key, now: Session.objects.filter(session_key=key, expire_date__gt=now), str, datetime)
_USER = Query(lambda pk: User.objects.filter(pk=pk), int)


class SessionStore(DatabaseStore):
    def _get_session_from_db(self) -> Any:
        """Return the row of this login, None without one that is still good."""
        if session := _SESSION.first(self.session_key, clock.now()):
            return session
        self._session_key = None
        return None


class Accounts(ModelBackend):
    def get_user(self, user_id: Any) -> User | None:
        """Return the user of a login, None when there is none or they are suspended."""
        user = _USER.first(int(user_id))
        return user if user and self.user_can_authenticate(user) else None
