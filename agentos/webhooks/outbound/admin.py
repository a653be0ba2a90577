"""Outgoing webhooks as operators see them: whose, where to, how it goes. They may switch one off and on; its team does the rest."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from agentos.audit.admin import ReadOnlyAdmin
from agentos.core.columns import column
from agentos.core.http.request import user_of
from agentos.webhooks.outbound import actions
from agentos.webhooks.outbound.models import Attempt, Delivery, Endpoint


@admin.register(Endpoint)
class EndpointAdmin(ReadOnlyAdmin):
    list_display = (column("name"), "team", column("url"), "is_enabled", column("off_because"), "succeeded_at")
    list_filter = ("is_enabled", "team")
    list_select_related = ("team",)
    search_fields = ("name", "url", "hook_id", "team__name")
    fields = (
        "hook_id", "team", "name", "url", "events", "is_enabled", "off_because", "off_at", "not_before", "succeeded_at", "created_at",
    )  # fmt: skip
    actions = ("switch_off", "switch_on")

    @admin.action(description="Switch off")
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        for endpoint in queryset:
            actions.disable_endpoint(endpoint=endpoint, by=user_of(request))

    @admin.action(description="Switch on")
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        for endpoint in queryset:
            actions.enable_endpoint(endpoint=endpoint, by=user_of(request))


class AttemptOfDelivery(admin.TabularInline):
    model = Attempt
    fields = readonly_fields = ("at", "seconds", "url", "status_code", "error", "answer")
    can_delete = False
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("message_id", column("event"), "endpoint", "status", "tries", "created_at")
    list_filter = ("status", "event", "created_at")
    list_select_related = ("endpoint",)
    search_fields = ("message_id", "endpoint__hook_id")
    fields = ("message_id", "endpoint", "event", "body", "status", "tries", "due_at", "created_at")
    inlines = (AttemptOfDelivery,)
