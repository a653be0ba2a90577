"""Knowledge as operators see it in the admin: what there is and how it fares, never what stands in it."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from agentos.audit.admin import ReadOnlyAdmin
from agentos.core.columns import column
from agentos.knowledge.models import Base, Document


@admin.register(Base)
class BaseAdmin(ReadOnlyAdmin):
    list_display = (column("name"), "team", column("description"), "updated_at")
    list_filter = ("team",)
    list_select_related = ("team",)
    search_fields = ("name", "description", "team__name")
    fields = ("name", "description", "team", "created_at", "updated_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """What is one's own, nobody else reads."""
        return super().get_queryset(request).filter(owner=None)


@admin.register(Document)
class DocumentAdmin(ReadOnlyAdmin):
    list_display = (column("title"), "base", "source", "kind", "status", "failure", "page_count", "updated_at")
    list_filter = ("status", "source", "failure")
    list_select_related = ("base",)
    search_fields = ("title", "base__name")
    fields = (
        "title",
        "base",
        "source",
        "url",
        "kind",
        "status",
        "failure",
        "page_count",
        "character_count",
        "embedding",
        "by",
        "created_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(base__owner=None)
