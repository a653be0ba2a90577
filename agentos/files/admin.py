"""Files as operators see them in the admin: what there is and how much of it, never what is in them."""

from django.contrib import admin

from agentos.audit.admin import ReadOnlyAdmin
from agentos.core.columns import column
from agentos.files.models import Attachment, Blob


@admin.register(Blob)
class BlobAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "owner", "kind", "size", "created_at")
    list_filter = ("kind",)
    list_select_related = ("owner",)
    search_fields = ("sha256",)
    fields = ("owner", "sha256", "kind", "mime", "size", "width", "height", "seconds", "created_at")


@admin.register(Attachment)
class AttachmentAdmin(ReadOnlyAdmin):
    list_display = (column("name"), "owner", "blob", "created_at")
    list_select_related = ("owner", "blob")
    search_fields = ("file_id",)
    fields = ("file_id", "name", "owner", "blob", "created_at")
