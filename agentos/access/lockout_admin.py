"""Accounts that are locked by wrong passwords, where django-axes is installed: operators unlock them."""

from axes.models import AccessAttempt
from django.contrib import admin
from django.contrib.auth import get_permission_codename
from django.db.models import QuerySet
from django.http import HttpRequest

from agentos.access.lockout import unlock_account
from agentos.access.users import User
from agentos.audit.admin import ReadOnlyAdmin
from agentos.core.columns import column
from agentos.core.http.request import user_of

CHANGE_USER = f"{User._meta.app_label}.{get_permission_codename('change', User._meta)}"  # noqa: SLF001


@admin.register(AccessAttempt)
class WrongPasswordsAdmin(ReadOnlyAdmin):
    """Five of an account from one address lock it there for a while."""

    list_display = (column("username"), "ip_address", "failures_since_start", "attempt_time")
    search_fields = ("username", "ip_address")
    fields = ("username", "ip_address", "user_agent", "failures_since_start", "attempt_time")
    actions = ("unlock",)

    def has_unlock_permission(self, request: HttpRequest) -> bool:
        return bool(user_of(request).has_perm(CHANGE_USER))

    @admin.action(description="Forget the selected wrong passwords (unlocks the account)", permissions=["unlock"])
    def unlock(self, request: HttpRequest, queryset: QuerySet[AccessAttempt]) -> None:
        for attempt in queryset:
            unlock_account(attempt=attempt, by=user_of(request))
        self.message_user(request, "Forgotten: these accounts can be signed in to from there again.")
