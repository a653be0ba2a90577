"""How large a file may be, and how much somebody's files may be together. Bytes."""

from django.db.models import Case, F, Max, Sum, When

from agentos.access.models import Subscription
from agentos.access.users import User
from agentos.conf import app_settings
from agentos.core.ratelimit import limits
from agentos.files.errors import NoRoom, TooLarge
from agentos.files.models import Blob, Upload

MB = 1_000_000
FILES_A_MESSAGE = 10
MINUTE = 60


def file_limit() -> int:
    return app_settings.FILE_MB * MB


def room_of(user: User) -> int:
    """How much this user's files may be together: what the site gives everybody, or more by a plan."""
    plans = Subscription.objects.running().held_by(user.pk).order_by()
    return max(app_settings.FILES_MB, plans.aggregate(most=Max("plan__files_mb"))["most"] or 0) * MB


def used_by(user: User) -> int:
    """What is kept of this user, and what is on its way in."""
    kept = Blob.objects.filter(owner=user).aggregate(sum=Sum("size"))["sum"] or 0
    promised = Case(When(size=None, then=F("received")), default=F("size"))
    return kept + (Upload.objects.filter(owner=user).aggregate(sum=Sum(promised))["sum"] or 0)


def check_size(name: str, size: int) -> None:
    """Raises TooLarge."""
    if size > file_limit():
        raise TooLarge(name, file_limit())


def check_room(user: User, size: int) -> None:
    """In a transaction: whoever else brings something for this user waits until it is over. Raises NoRoom."""
    User.objects.select_for_update(no_key=True).only("pk").get(pk=user.pk)
    room = room_of(user)
    if used_by(user) + size > room:
        raise NoRoom(room)


def check_rate(user: User) -> None:
    """Raises ``Problem`` 429. Outside transactions."""
    limits.check(
        "upload",
        str(user.pk),
        limit=app_settings.UPLOADS_A_MINUTE,
        seconds=MINUTE,
        sentence="You sent many files in a short time.",
    )
