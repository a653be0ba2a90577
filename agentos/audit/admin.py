"""The audit in the admin, and what every room's admin is made of: one that records, one that only shows."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import urlencode

from agentos.audit.actions import record
from agentos.audit.models import AuditRecord
from agentos.core.http.request import user_of
from agentos.core.people import searched
from agentos.core.security.invisible import exact


class ReadOnlyAdmin(admin.ModelAdmin):
    """Shows rows that nobody may edit: what happened, happened."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class AuditedAdmin(admin.ModelAdmin):
    """Records what an operator changes, in the transaction of the change. Its history is the audit of the object."""

    audit_type: ClassVar[str]

    def audit_id(self, obj: Any) -> str:
        return str(obj.pk)

    def record(self, request: HttpRequest, obj: Any, past: str, **data: Any) -> None:
        verb = f"{self.opts.app_label}.{self.audit_type}.{past}"
        record(verb, by=user_of(request), object_type=self.audit_type, object_id=self.audit_id(obj), **data)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self.record(request, obj, "created", **changes(message))
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        if message:
            self.record(request, obj, "changed", **changes(message))
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        for obj in queryset:
            self.record(request, obj, "deleted", name=str(obj))
        return super().log_deletions(request, queryset)

    @method_decorator(transaction.atomic)
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Open one transaction round an action on many rows: its records and its changes come or go together."""
        return super().changelist_view(request, extra_context)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        obj = self.get_object(request, object_id)
        wanted = {"object_type__exact": self.audit_type, "object_id__exact": self.audit_id(obj) if obj else object_id}
        return HttpResponseRedirect(reverse("admin:audit_auditrecord_changelist") + "?" + urlencode(wanted))


def changes(message: Any) -> dict[str, list[str]]:
    """Return the names of fields and the kinds of rows that an admin form changed, without any value."""
    fields: list[str] = []
    rows: list[str] = []
    for what, about in (pair for part in message if isinstance(part, dict) for pair in part.items()):
        if "name" in about:
            rows.append(f"{about['name']} {what}")
        fields.extend(about.get("fields", []) if "name" not in about else [])
    return {name: value for name, value in (("fields", fields), ("rows", rows)) if value}


@admin.register(AuditRecord)
class AuditRecordAdmin(ReadOnlyAdmin):
    list_display = ("at", "verb", "actor", "object_type", "object_id", "details")
    list_display_links = ("verb",)
    list_filter = ("object_type", "at")
    list_select_related = ("actor",)
    search_fields = ("verb", "object_id", *searched("actor__"))
    search_help_text = "Part of a verb, the id of an object, or somebody's e-mail address."
    fields = ("at", "verb", "actor", "object_type", "object_id", "details")

    @admin.display(description="details")
    def details(self, obj: AuditRecord) -> str:
        return exact("; ".join(f"{name}: {', '.join(value) if isinstance(value, list) else value}" for name, value in obj.data.items()))
