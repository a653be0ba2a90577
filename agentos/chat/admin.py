"""Chats, runs and what was used, as operators may see them: whose, with which agent, how they ended. Never what was written in them."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from agentos.agents import availability, prices
from agentos.audit.admin import ReadOnlyAdmin
from agentos.chat.models import ChatSession, Feedback, Run
from agentos.chat.usage_models import Budget, MonthlyUsage, Usage
from agentos.core.columns import column
from agentos.core.people import searched

WRITTEN = ("input", "searchable", "context", "options", "parts", "answer", "requirements", "messages", "agno_output")


@admin.register(ChatSession)
class ChatSessionAdmin(ReadOnlyAdmin):
    list_display = ("session_id", "user", "agent", "turns", "is_archived", "updated_at", "deleted_at")
    list_filter = ("agent", "is_archived", "updated_at")
    list_select_related = ("user", "agent")
    search_fields = ("session_id", *searched("user__"), "agent__agent_id")
    search_help_text = "The id of a session or of an agent, or somebody's e-mail address."
    fields = ("session_id", "user", "agent", "runs", "is_pinned", "is_archived", "created_at", "updated_at", "deleted_at")
    readonly_fields = ("runs",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ChatSession]:
        return super().get_queryset(request).annotate(turns=Count("runs"))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> ChatSession | None:
        """Return the session under its id: its title is made of what somebody wrote."""
        session: ChatSession | None = super().get_object(request, object_id, from_field)
        if session:
            session.title = session.session_id
        return session

    @admin.display(description="runs", ordering="turns")
    def turns(self, obj: Any) -> int:
        number: int = obj.turns
        return number

    @admin.display(description="runs")
    def runs(self, obj: ChatSession) -> SafeString:
        url = reverse("admin:chat_run_changelist") + f"?session__id__exact={obj.pk}"
        return format_html('<a href="{}">{}</a>', url, self.turns(obj))


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    list_display = ("run_id", "by", "agent", "status", "error_code", "input_tokens", "output_tokens", "took", "created_at")
    list_filter = ("status", "error_code", "session__agent", "created_at")
    list_select_related = ("by", "session__agent")
    search_fields = ("run_id", "session__session_id", *searched("by__"))
    search_help_text = "The id of a run or of a session, or somebody's e-mail address."
    fields = (
        "run_id",
        "in_session",
        "by",
        "agent",
        "turn",
        "status",
        "error_code",
        "what_is_missing",
        "cut",
        "attempt",
        "input_tokens",
        "output_tokens",
        "cached_tokens",
        "reasoning_tokens",
        "cost_micro",
        "currency",
        "price_source",
        "created_at",
        "started_at",
        "first_token_at",
        "finished_at",
    )
    readonly_fields = ("in_session", "agent", "what_is_missing")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        return super().get_queryset(request).defer(*WRITTEN)

    @admin.display(description="agent", ordering="session__agent__name")
    def agent(self, obj: Run) -> str:
        return str(obj.session.agent)

    @admin.display(description="what is missing", empty_value="")
    def what_is_missing(self, obj: Run) -> str:
        return availability.missing(obj.error_code, obj.session.agent)

    @admin.display(description="session")
    def in_session(self, obj: Run) -> SafeString:
        url = reverse("admin:chat_chatsession_change", args=(obj.session.pk,))
        return format_html('<a href="{}">{}</a>', url, obj.session.session_id)

    @admin.display(description="took")
    def took(self, obj: Run) -> str:
        return f"{obj.seconds:.1f} s" if obj.seconds is not None else ""


@admin.register(Feedback)
class FeedbackAdmin(ReadOnlyAdmin):
    """What members think of answers: the note is written for operators."""

    list_display = ("updated_at", "value", column("note"), "by", "agent", "run")
    list_filter = ("value", "run__session__agent", "updated_at")
    list_select_related = ("by", "run__session__agent")
    search_fields = ("note", *searched("by__"), "run__run_id")
    search_help_text = "Words of a note, somebody's e-mail address, or the id of a run."

    @admin.display(description="agent")
    def agent(self, obj: Feedback) -> str:
        return str(obj.run.session.agent)


def dollars(micro: int) -> str:
    return prices.in_words(micro, prices.USD)


@admin.register(Usage, MonthlyUsage)
class UsageAdmin(ReadOnlyAdmin):
    """Counted where an answer ends, by nobody else."""

    list_display = ("day", "user", "agent", "team", "model", "answers", "input_tokens", "output_tokens", "cost", "unpriced")
    list_filter = ("day", "model", "team")
    list_select_related = ("user", "agent", "team")
    search_fields = (*searched("user__"), "agent__agent_id", "model")
    search_help_text = "Somebody's e-mail address, the id of an agent, or a model."
    ordering = ("-day", "user", "agent", "model")

    @admin.display(description="cost", ordering="cost_micro")
    def cost(self, obj: Any) -> str:
        return dollars(obj.cost_micro)


@admin.register(Budget)
class BudgetAdmin(ReadOnlyAdmin):
    """Set on the pages, which see to it that there is one of each, and that every process hears of it."""

    list_display = ("of", "user", "team", "agent", "a_month", "is_hard")
    list_filter = ("of", "is_hard")
    list_select_related = ("user", "team", "agent")
    search_fields = (*searched("user__"), "agent__agent_id", "team__name")

    @admin.display(description="a month", ordering="micro_a_month")
    def a_month(self, obj: Budget) -> str:
        return dollars(obj.micro_a_month)
