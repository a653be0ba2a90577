"""Skills as operators see them in the admin. What is done with them is done on their pages."""

from django.contrib import admin

from agentos.audit.admin import ReadOnlyAdmin
from agentos.core.columns import column
from agentos.skills.models import Skill, SkillVersion


@admin.register(Skill)
class SkillAdmin(ReadOnlyAdmin):
    list_display = (column("name"), "team", "version", column("description"), "source", "updated_at")
    list_filter = ("team",)
    list_select_related = ("team",)
    search_fields = ("name", "description", "team__name")
    fields = ("name", "description", "team", "version", "source", "created_at", "updated_at")


@admin.register(SkillVersion)
class SkillVersionAdmin(ReadOnlyAdmin):
    list_display = ("skill", "number", column("note"), "by", "at")
    list_select_related = ("skill", "by")
    search_fields = ("skill__name", "note")
    fields = ("skill", "number", "text", "files", "note", "by", "at")
