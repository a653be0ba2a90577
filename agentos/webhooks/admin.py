"""What other systems sent, as operators see it."""

import json

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from agentos.audit.admin import ReadOnlyAdmin
from agentos.webhooks.models import WebhookEvent


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnlyAdmin):
    list_display = ("event", "received_at", "is_verified", "source_address")
    list_filter = ("is_verified", "received_at")
    search_fields = ("event", "source_address")
    fields = ("event", "received_at", "is_verified", "source_address", "content")

    @admin.display(description="content")
    def content(self, obj: WebhookEvent) -> SafeString:
        return format_html("<pre>{}</pre>", json.dumps(obj.data, indent=2, ensure_ascii=False))
