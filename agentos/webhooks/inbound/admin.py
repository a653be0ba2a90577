"""What other systems sent, and their endpoints, as operators see them: endpoints may be deleted, the rest is on the settings pages."""

import contextlib
from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from agentos.audit.admin import ReadOnlyAdmin
from agentos.core.columns import column
from agentos.core.http.errors import Problem
from agentos.core.http.request import user_of
from agentos.webhooks.inbound import actions
from agentos.webhooks.inbound.models import WebhookEndpoint, WebhookEvent

MAPPING = ("event_path", "message_events", "message_path", "key_path", "preamble")


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnlyAdmin):
    list_display = (column("event"), "received_at", "endpoint", "status", "is_verified", "source_address")
    list_filter = ("status", "is_verified", "endpoint", "received_at")
    list_select_related = ("endpoint",)
    search_fields = ("event", "source_address", "message_id")
    fields = ("event", "received_at", "endpoint", "status", "outcome", "is_verified", "source_address", "message_id", "run", "content_text")

    @admin.display(description="content")
    def content_text(self, obj: WebhookEvent) -> SafeString:
        return format_html("<pre>{}</pre>", obj.content)


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReadOnlyAdmin):
    list_display = (column("name"), "agent", "identity", "is_active", "rejected", "created_at")
    list_filter = ("is_active", "agent")
    list_select_related = ("agent", "identity")
    search_fields = ("name", "endpoint_id")
    fields = ("name", "page", "agent", "identity", "is_active", *MAPPING, "rejected", "rejected_at", "rejected_because", "created_at")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)

    def get_deleted_objects(self, objs: Iterable[Any], request: HttpRequest) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Count what goes with the endpoints instead of listing every event. Nobody may delete one of those by itself."""
        counts = [(endpoint, endpoint.events.count()) for endpoint in objs]
        lines = [
            f"{endpoint}: its address, its secret and {events:,} event{'' if events == 1 else 's'}. Its chats stay."
            for endpoint, events in counts
        ]
        return lines, {"endpoints": len(counts), "events": sum(events for _, events in counts)}, set(), []

    def delete_model(self, request: HttpRequest, obj: WebhookEndpoint) -> None:
        with contextlib.suppress(Problem):  # somebody else was first
            actions.delete_endpoint(endpoint=obj, by=user_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        for endpoint in queryset:
            self.delete_model(request, endpoint)

    @admin.display(description="page")
    def page(self, obj: WebhookEndpoint) -> SafeString:
        return format_html('<a href="{}">Secret, mapping, events</a>', reverse("inbox:endpoint", args=[obj.endpoint_id]))
