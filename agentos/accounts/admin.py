"""Providers of sign-ins, and what their groups mean, for operators."""

import contextlib
from typing import Any

from allauth.account.models import EmailConfirmation
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.admin.exceptions import NotRegistered
from django.db.models import QuerySet
from django.http import HttpRequest

from agentos.accounts import actions
from agentos.accounts.forms import ProviderForm
from agentos.accounts.models import GroupRole, Provider
from agentos.audit.actions import record
from agentos.core.http.request import user_of


@admin.register(Provider)
class ProviderAdmin(admin.ModelAdmin):
    form = ProviderForm
    list_display = ("name", "slug", "server_url", "can_sign_up", "has_factor")
    search_fields = ("name", "slug", "server_url")

    def get_readonly_fields(self, request: HttpRequest, obj: Provider | None = None) -> tuple[str, ...]:
        return ("slug",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Provider, form: Any, change: bool) -> None:  # noqa: FBT001
        actions.save_provider(provider=obj, secret=form.cleaned_data["new_secret"], by=user_of(request))

    def delete_model(self, request: HttpRequest, obj: Provider) -> None:
        actions.delete_provider(provider=obj, by=user_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Provider]) -> None:
        for provider in queryset:
            actions.delete_provider(provider=provider, by=user_of(request))


@admin.register(GroupRole)
class GroupRoleAdmin(admin.ModelAdmin):
    list_display = ("provider", "group", "team", "role")
    list_select_related = ("team",)
    search_fields = ("provider", "group", "team__name")

    def save_model(self, request: HttpRequest, obj: GroupRole, form: Any, change: bool) -> None:  # noqa: FBT001
        super().save_model(request, obj, form, change)
        record(
            "access.group_role.saved", by=user_of(request), object_type="provider", object_id=obj.provider, team=obj.team_id, role=obj.role
        )


# What django-allauth brings along and what would mislead here, or show what nobody should see: keys of sessions, sealed secrets.
for model in (Authenticator, EmailConfirmation, SocialApp, SocialToken, UserSession):
    with contextlib.suppress(NotRegistered):
        admin.site.unregister(model)
