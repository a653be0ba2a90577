"""Making operators: never the first one who comes, but whoever has a link that the server's owner was shown."""

import secrets
from datetime import timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from agentos.access.actions import NAME_LIMIT, AccessError, create_team, create_user
from agentos.access.users import User
from agentos.audit.actions import record
from agentos.core import clock, people
from agentos.core.http.errors import Problem
from agentos.core.text import clean
from agentos.operations import queries
from agentos.operations.models import SetupLink

LIFE = timedelta(hours=24)
SECRET_BYTES = 32


class InvalidOperator(Problem):
    """What is asked of a new account cannot be. Names the field."""

    status = 422

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(self.status, sentence)
        self.field = field


class LinkIsOver(Problem):
    """The link is wrong, was used, or is too old."""

    status = 404

    def __init__(self) -> None:
        super().__init__(self.status, _("This link does not work: it was used, or it is older than a day, or it is not whole."))


@transaction.atomic
def create_operator(*, email: str, name: str = "", password: str, team: str = "", by: User | None) -> User:
    """``team``: the name of a team that is theirs, made with the account. Raises InvalidOperator."""
    email, name = _checked(email, name)
    try:
        validate_password(password, User(**people.columns(address=email, name=name)))
    except ValidationError as error:
        raise InvalidOperator("password", " ".join(error.messages)) from None
    user = create_user(email=email, name=name, password=password, is_operator=True, by=by)
    _first_team(team, user)
    return user


@transaction.atomic
def make_link(*, email: str = "", name: str = "", by: User | None) -> str:
    """Return the text of a new link, which is known nowhere else. Without ``email`` it makes the first account. Raises InvalidOperator."""
    if email:
        email, name = _checked(email, name)
    SetupLink.objects.filter(expires_at__lte=clock.now()).delete()
    token = secrets.token_urlsafe(SECRET_BYTES)
    link = SetupLink.objects.create(digest=queries.digest_of(token), email=email, name=name, expires_at=clock.now() + LIFE)
    record("operations.setup_link.created", by=by, object_type="setup_link", object_id=str(link.pk))
    return token


@transaction.atomic
def set_up(*, token: str, email: str, name: str = "", team: str = "", password: str, by: User | None) -> User:
    """Make the account that the link is for, once, however many ask at the same moment. Raises LinkIsOver, InvalidOperator.

    ``email`` counts where the link names nobody. ``team``: the name of a team that is theirs, made with the account.
    """
    list(SetupLink.objects.select_for_update().order_by("pk"))  # whoever comes second waits here, and finds nothing then
    link = queries.link_of(token)
    if link is None:
        raise LinkIsOver
    user = create_operator(email=link.email or email, name=name or link.name, password=password, team=team, by=by)
    SetupLink.objects.filter(email=link.email).delete()
    return user


def set_up_by_script(*, email: str, name: str = "", team: str = "", password: str, by: User | None) -> tuple[User, bool]:
    """Make the first operator, for a script that may run again: once it has, it changes nothing. Returns the operator, and whether they
    are new.

    However many run at the same moment, one makes the operator. Raises InvalidOperator, and LinkIsOver where there are other people by now.
    """
    token = make_link(by=by)  # committed first: whoever comes second waits for it
    try:
        return set_up(token=token, email=email, name=name, team=team, password=password, by=by), True
    except LinkIsOver:
        known = next((each for each in queries.operators() if people.address_of(each).lower() == email.strip().lower()), None)
        if known is None:
            raise
        return known, False
    finally:
        SetupLink.objects.filter(digest=queries.digest_of(token)).delete()


def _first_team(name: str, owner: User) -> None:
    if name:
        try:
            create_team(name=name, owner=owner, by=owner)
        except AccessError as wrong:
            raise InvalidOperator("team", wrong.sentence) from None


def _checked(email: str, name: str) -> tuple[str, str]:
    name = " ".join(clean(name).split())
    if len(name) > NAME_LIMIT:
        raise InvalidOperator("name", _("A name has at most %(limit)s characters.") % {"limit": NAME_LIMIT})
    try:
        validate_email(email)
    except ValidationError:
        raise InvalidOperator("email", _("Enter an e-mail address, such as olga@example.com.")) from None
    columns = people.columns(address=email)
    if any(User.objects.filter(**{f"{column}__iexact": value}).exists() for column, value in columns.items()):
        raise InvalidOperator("email", _("There is an account with this e-mail address already."))
    return next(iter(columns.values()), email), name
