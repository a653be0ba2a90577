"""The catalogue, as operators work with it."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from agentos.agents import actions
from agentos.agents.availability import availability_of
from agentos.agents.blueprint import blueprint_of
from agentos.agents.forms import AgentForm, warnings_about
from agentos.agents.models import MEMBERS, DjangoAgent, OwnPrice, TeamMember
from agentos.agents.queries import open_to
from agentos.agents.tools import tools
from agentos.audit.admin import AuditedAdmin, ReadOnlyAdmin
from agentos.core.columns import column
from agentos.core.http.request import user_of


class MemberInline(admin.TabularInline):
    model = TeamMember
    fk_name = "team"
    fields = ("position", "agent", "task")
    autocomplete_fields = ("agent",)
    verbose_name_plural = "members, for a team and for steps"
    extra = 0
    max_num = MEMBERS

    def get_formset(self, request: HttpRequest, obj: Model | None = None, **kwargs: Any) -> Any:
        return super().get_formset(request, obj, validate_max=True, **kwargs)


MODELS = ("model", "fallbacks", "choices", "effort_choice", "temperature", "max_tokens")
SAID_BY_CODE = ("name", "description", "model", "instructions", "with_tools")


@admin.register(DjangoAgent)
class AgentAdmin(AuditedAdmin):
    audit_type = "agent"
    form = AgentForm
    list_display = (column("name"), "is_active", "open_to", "model", "can_answer", "with_tools", "agent_id")
    list_filter = ("is_active", "kind", "is_global", "team", "plans")
    list_select_related = ("team", "owner")
    search_fields = ("name", "agent_id", "description", "model")
    autocomplete_fields = ("team",)
    filter_horizontal = ("plans",)
    actions = ("activate", "deactivate")
    inlines = (MemberInline,)
    fieldsets = (
        (None, {"fields": ("name", "agent_id", "kind", "mode", "description", "is_active")}),
        ("What it is", {"fields": (*MODELS, "can_answer", "instructions", "tools", "capabilities", "starters")}),
        (
            "Who may use it",
            {
                "fields": ("is_global", "team", "plans", "personal"),
                "description": "Any one of these opens it. With none, nobody may use it.",
            },
        ),
    )

    def audit_id(self, obj: DjangoAgent) -> str:
        return obj.agent_id

    def get_queryset(self, request: HttpRequest) -> QuerySet[DjangoAgent]:
        return super().get_queryset(request).prefetch_related("plans")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Keep the id of an agent that exists: bookmarks and API callers know it. What an agent in code is, its code says; whose a personal
        agent is stays as it is."""
        if not isinstance(obj, DjangoAgent):
            return ("can_answer", "personal")
        fixed = (*(SAID_BY_CODE if obj.kind == DjangoAgent.Kind.CODE else ()), *(("is_global", "team", "plans") if obj.owner_id else ()))
        return ("can_answer", "personal", "agent_id", *fixed)

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        if not isinstance(obj, DjangoAgent) or obj.kind != DjangoAgent.Kind.CODE:
            return super().get_fieldsets(request, obj)
        _, _, who = self.fieldsets
        about = (
            f"This agent is written in code, in the module {obj.source}, and changed there."
            if obj.source
            else "No module has this agent any more."
        )
        what = {"fields": ("model", "can_answer", "instructions", "with_tools", "capabilities", "starters"), "description": about}
        return ((None, {"fields": ("name", "agent_id", "description", "is_active")}), ("What it is", what), who)

    def get_inline_instances(self, request: HttpRequest, obj: Model | None = None) -> Any:
        in_code = isinstance(obj, DjangoAgent) and obj.kind == DjangoAgent.Kind.CODE
        return [] if in_code else super().get_inline_instances(request, obj)

    def get_prepopulated_fields(self, request: HttpRequest, obj: Model | None = None) -> dict[str, Sequence[str]]:
        return {} if obj else {"agent_id": ("name",)}

    def save_model(self, request: HttpRequest, obj: DjangoAgent, form: Any, change: bool) -> None:  # noqa: FBT001 (Django's signature)
        if obj.is_active and not obj.version:
            obj.version = 1
        super().save_model(request, obj, form, change)
        for warning in warnings_about(blueprint_of(obj)) if obj.kind != DjangoAgent.Kind.CODE else ():
            self.message_user(request, warning, messages.WARNING)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001 (Django's signature)
        """Keep the version when its members are there, too."""
        super().save_related(request, form, formsets, change)
        if form.instance.version and form.instance.kind != DjangoAgent.Kind.CODE:
            actions.keep_version(agent=form.instance, by=user_of(request))

    @admin.display(description="can answer")
    def can_answer(self, obj: DjangoAgent) -> str:
        if not obj.model:
            return "Choose a model, then save."
        return availability_of(obj).reason or "Yes"

    @admin.display(description="open to")
    def open_to(self, obj: DjangoAgent) -> str:
        return open_to(obj)

    @admin.display(description="personal agent of")
    def personal(self, obj: DjangoAgent) -> str:
        return str(obj.owner) if obj.owner else "Nobody: it is for others, too"

    @admin.display(description="tools")
    def with_tools(self, obj: DjangoAgent) -> str:
        known = tools(obj.tools)
        return ", ".join(known[slug].label if slug in known else slug for slug in obj.tools)

    @admin.action(description="Activate the selected agents", permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[DjangoAgent]) -> None:
        for agent in queryset.filter(is_active=False):
            actions.activate_agent(agent=agent, by=user_of(request))

    @admin.action(description="Deactivate the selected agents (their chats stay readable)", permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[DjangoAgent]) -> None:
        for agent in queryset.filter(is_active=True):
            actions.deactivate_agent(agent=agent, by=user_of(request))


@admin.register(OwnPrice)
class OwnPriceAdmin(ReadOnlyAdmin):
    """Set on the page of models, which sees to it that every process hears of it."""

    list_display = ("model", "read", "cached", "written", "updated_at")
    search_fields = ("model",)
