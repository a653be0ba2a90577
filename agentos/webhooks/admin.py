"""What other systems sent, and their endpoints, as operators see them. What one does with them is on the settings pages."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from agentos.audit.admin import ReadOnlyAdmin
from agentos.webhooks.models import WebhookEndpoint, WebhookEvent

MAPPING = ("event_path", "message_events", "message_path", "key_path", "preamble")


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnlyAdmin):
    list_display = ("event", "received_at", "endpoint", "status", "is_verified", "source_address")
    list_filter = ("status", "is_verified", "endpoint", "received_at")
    list_select_related = ("endpoint",)
    search_fields = ("event", "source_address", "message_id")
    fields = ("event", "received_at", "endpoint", "status", "outcome", "is_verified", "source_address", "message_id", "run", "content_text")

    @admin.display(description="content")
    def content_text(self, obj: WebhookEvent) -> SafeString:
        return format_html("<pre>{}</pre>", obj.content)


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReadOnlyAdmin):
    list_display = ("name", "agent", "identity", "is_active", "rejected", "created_at")
    list_filter = ("is_active", "agent")
    list_select_related = ("agent", "identity")
    search_fields = ("name", "endpoint_id")
    fields = ("name", "page", "agent", "identity", "is_active", *MAPPING, "rejected", "rejected_at", "rejected_because", "created_at")

    @admin.display(description="page")
    def page(self, obj: WebhookEndpoint) -> SafeString:
        return format_html('<a href="{}">Secret, mapping, events</a>', reverse("inbox:endpoint", args=[obj.endpoint_id]))
