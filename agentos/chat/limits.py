"""How often one user may start something in a minute. Asked before a transaction begins: what is rolled back was not counted."""

from agentos.access.users import User
from agentos.chat.errors import TooMuch
from agentos.conf import app_settings
from agentos.core.http.errors import Problem
from agentos.core.ratelimit import limits

MINUTE = 60


def check_send(user: User) -> None:
    """Asked at every start of an answer. Raises TooMuch."""
    _check("send", user, app_settings.SENDS_A_MINUTE, "You sent a lot in a short time. Nothing was sent now.")


def check_creation(user: User) -> None:
    """Asked for a chat that nothing has been said in yet, and for a fork. Raises TooMuch."""
    _check("create", user, app_settings.CREATIONS_A_MINUTE, "You opened a lot of chats in a short time.")


def _check(name: str, user: User, limit: int, sentence: str) -> None:
    try:
        limits.check(name, str(user.pk), limit=limit, seconds=MINUTE, sentence=sentence)
    except Problem as problem:
        raise TooMuch(problem.sentence, problem.headers) from None
