"""Providers of sign-ins, and what their groups mean, for operators."""

import contextlib
from typing import Any

from allauth.account.models import EmailConfirmation
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import admin
from django.contrib.admin.exceptions import NotRegistered
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from agentos.accounts import providers
from agentos.accounts.models import GroupRole, Provider
from agentos.audit.actions import record
from agentos.core.http.request import user_of
from agentos.core.security import secrets


class ProviderForm(forms.ModelForm):
    new_secret = forms.CharField(
        label="Secret",
        required=False,
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Of the client. It is sealed, and never shown. Empty: it stays as it is.",
    )

    class Meta:
        model = Provider
        fields = (
            "name",
            "slug",
            "server_url",
            "client_id",
            "new_secret",
            "domains",
            "can_sign_up",
            "has_factor",
            "groups_claim",
            "must_be_listed",
        )

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if slug == providers.ENVIRONMENT:
            raise ValidationError(_("This is the slug of the provider that the environment names."))
        return slug

    def clean_server_url(self) -> str:
        url: str = self.cleaned_data["server_url"]
        if not providers.may_be_reached(url):
            raise ValidationError(_("A provider is reached over TLS: the address begins with https://."))
        return url

    def clean_domains(self) -> list[str]:
        domains = self.cleaned_data["domains"] or []
        if not isinstance(domains, list) or not all(isinstance(domain, str) for domain in domains):
            raise ValidationError(_('Write a list, such as ["example.com"].'))
        return domains

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if not self.instance.secret and not data.get("new_secret"):
            self.add_error("new_secret", _("Give the client's secret."))
        return data


@admin.register(Provider)
class ProviderAdmin(admin.ModelAdmin):
    form = ProviderForm
    list_display = ("name", "slug", "server_url", "can_sign_up", "has_factor")
    search_fields = ("name", "slug", "server_url")

    def save_model(self, request: HttpRequest, obj: Provider, form: Any, change: bool) -> None:  # noqa: FBT001
        if secret := form.cleaned_data["new_secret"]:
            obj.secret = secrets.seal(secret)
        super().save_model(request, obj, form, change)
        record("access.provider.saved", by=user_of(request), object_type="provider", object_id=obj.slug)


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
