"""Connections as operators see them in the admin. What is done with them is done on their pages."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from agentos.audit.admin import ReadOnlyAdmin
from agentos.connections import actions
from agentos.connections.models import Grant, OAuthClient, RemoteTool, Server, SignIn
from agentos.core.columns import column
from agentos.core.http.request import user_of
from agentos.core.people import searched


@admin.register(Server)
class ServerAdmin(ReadOnlyAdmin):
    list_display = (column("name"), "slug", "team", column("url"), "auth", "is_active", "state", "looked_at")
    list_filter = ("is_active", "state", "auth", "team")
    list_select_related = ("team",)
    search_fields = ("name", "slug", "url", "team__name")
    fields = (
        "slug", "name", "team", "url", "auth", "client_id", "header", "seconds", "is_active", "state", "state_reason", "looked_at",
        "created_at",
    )  # fmt: skip
    actions = ("switch_off", "switch_on")

    @admin.action(description="Switch off")
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Server]) -> None:
        for server in queryset:
            actions.disable_server(server=server, by=user_of(request))

    @admin.action(description="Switch on")
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Server]) -> None:
        for server in queryset:
            actions.enable_server(server=server, by=user_of(request))


@admin.register(RemoteTool)
class RemoteToolAdmin(ReadOnlyAdmin):
    list_display = (column("name"), "server", "policy", "usable", "seen_at")
    list_filter = ("policy", "gone", "server")
    list_select_related = ("server",)
    search_fields = ("name", "server__name", "server__slug", "description")
    fields = ("server", "name", "description", "schema", "hints", "policy", "offered", "problem", "seen_at", "gone")

    @admin.display(boolean=True)
    def usable(self, obj: Any) -> bool:
        return bool(obj.is_usable)


@admin.register(Grant)
class GrantAdmin(ReadOnlyAdmin):
    list_display = ("server", "user", "created_at", "expires_at", "good")
    list_select_related = ("server", "user")
    search_fields = ("server__name", "server__slug", *searched("user__"))
    fields = ("server", "user", "created_at", "expires_at", "renews", "problem")

    @admin.display(boolean=True)
    def good(self, obj: Any) -> bool:
        return bool(obj.is_good)


@admin.register(OAuthClient)
class OAuthClientAdmin(ReadOnlyAdmin):
    list_display = ("server", column("issuer"), "created_at")
    list_select_related = ("server",)
    search_fields = ("server__name", "server__slug", "issuer")
    fields = ("server", "issuer", "redirect_uri", "expires_at", "created_at")


@admin.register(SignIn)
class SignInAdmin(ReadOnlyAdmin):
    list_display = ("server", "user", "created_at", "problem")
    list_select_related = ("server", "user")
    search_fields = ("server__name", "server__slug", *searched("user__"))
    fields = ("server", "user", "created_at", "problem")
