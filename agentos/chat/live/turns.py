"""A turn as a page shows it: what the template ``agentos/session.html#turn`` reads. The template asks no questions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from agentos.agents import availability, failures, prices
from agentos.agents.choosing import Choices, choices_of
from agentos.agents.efforts import LABELS as EFFORT_LABELS
from agentos.agents.efforts import NORMAL
from agentos.agents.queries import may_edit, model_label
from agentos.chat.asks import Ask, asks_of
from agentos.chat.knowledge import Source, address_of, cited_in, line_of, sources_in
from agentos.chat.live.elements import NAMES, turn_id
from agentos.chat.live.part_views import CallsView, PartView, activity, part_views
from agentos.chat.live.parts import Part, text_of
from agentos.chat.live.shown import Noted, noted_in
from agentos.chat.models import ChatSession, Feedback, Run, RunFile
from agentos.core.people import is_operator
from agentos.core.rendering.said import Said, said
from agentos.core.templatetags.agentos import clock_time

NOTHING = Choices()


@dataclass(frozen=True, slots=True)
class VersionsView:
    """Which version is shown, of how many. ``field``: the one of the form that asks for another."""

    field: str
    shown: int
    count: int
    label: str
    previous_label: str
    next_label: str

    @property
    def previous(self) -> int | None:
        return self.shown - 1 if self.shown > 1 else None

    @property
    def next(self) -> int | None:
        return self.shown + 1 if self.shown < self.count else None


@dataclass(frozen=True)
class TurnView:
    """What is rendered for it is rendered when it is read: a turn that is kept as HTML (chat/drawing.py) costs none of it.

    ``answer``: the parts of the run, or of its journal so far when it still runs. ``missing``: what an operator is told of a failure.
    ``tests_of``: the id of its agent, where its answers may be kept as tests.
    ``choices``: what its answer can be tried again with. ``refused``: what the run asks, with what was typed and is wrong, in the place of
    what it asks by itself.
    """

    run: Run
    answer: list[Part]
    agent_name: str
    is_last: bool
    may_write: bool
    missing: str = ""
    tests_of: str = ""
    refused: list[Ask] = field(default_factory=list)
    choices: Choices = NOTHING
    files: Sequence[RunFile] = ()

    @property
    def sent_files(self) -> list[RunFile]:
        """Those of the message."""
        return [each for each in self.files if each.origin == RunFile.Origin.PERSON]

    @property
    def made_files(self) -> list[RunFile]:
        """Those of the answer, once it has ended."""
        return [each for each in self.files if each.origin != RunFile.Origin.PERSON] if self.has_ended else []

    @cached_property
    def id(self) -> SafeString:
        return turn_id(self.run)

    @property
    def labels(self) -> Mapping[str, str]:
        """What its parts and buttons are called for those who hear the page."""
        return _labels(self.run.turn, get_language())

    @property
    def said_at(self) -> SafeString:
        return clock_time(self.run.created_at)

    @cached_property
    def said(self) -> Said:
        return said(self.run.input)

    @cached_property
    def parts(self) -> list[PartView | CallsView]:
        links = {source.n: address_of(source) for source in self.sources}
        return part_views(self.answer, self.id, growing=self.run.is_open, run_id=self.run.run_id, links=links)

    @cached_property
    def sources(self) -> list[Source]:
        """What the answer is made of, once it has ended; what it names first."""
        found = sources_in(self.answer) if self.has_ended else []
        return sorted(found, key=lambda source: (source.n not in self.cited, source.n))

    @cached_property
    def cited(self) -> frozenset[int]:
        return cited_in(text_of(self.answer))

    @cached_property
    def source(self) -> str:
        """The answer as the model wrote it, once it has ended, with its sources: what *Copy* takes."""
        text = text_of(self.answer) if self.has_ended else ""
        listed = [f"[{each.n}] {line_of(each.title, each.unit, each.page, each.heading)}" for each in self.sources if each.n in self.cited]
        return "\n\n".join(filter(None, (text, "\n".join(listed))))

    @property
    def now(self) -> str:
        """What a running run does at the moment."""
        if self.run.status != Run.Status.RUNNING:
            return ""
        if self.run.waits_seconds and not self.answer:
            return f"The model is busy: asked again after {self.run.waits_seconds} s"
        return activity(self.answer)

    @property
    def failure(self) -> str:
        return failures.sentence(self.run.error_code) if self.run.error_code else ""

    @property
    def stand_in(self) -> str:
        """Which model answers in place of the agent's own, where that is so."""
        if not self.run.instead_of:
            return ""
        models = {"model": model_label(self.run.model), "instead_of": model_label(self.run.instead_of)}
        return _("%(instead_of)s could not be used: %(model)s answers instead.") % models

    @property
    def asked_of(self) -> str:
        """The model and the effort that were chosen for it."""
        model = model_label(self.run.model) if self.run.chosen_model and not self.run.instead_of else ""
        effort = str(EFFORT_LABELS[self.run.effort]) if self.run.effort in EFFORT_LABELS else ""
        return " · ".join(filter(None, (model, effort)))

    @property
    def other_models(self) -> list[tuple[str, str, bool]]:
        """The models of ``choices``, and which of them has answered."""
        return [(model, label, model == self.run.model) for model, label in self.choices.models]

    @property
    def other_efforts(self) -> list[tuple[str, str, bool]]:
        return [(effort, label, effort == (self.run.effort or NORMAL)) for effort, label in self.choices.efforts]

    @property
    def cut(self) -> str:
        return failures.cut_sentence(self.run.cut) if self.run.cut else ""

    @cached_property
    def asks(self) -> list[Ask]:
        if self.refused or self.run.status != Run.Status.WAITING:
            return self.refused
        return asks_of(self.run.requirements, of=self.id)

    @property
    def has_ended(self) -> bool:
        return self.run.status in Run.ENDED

    @cached_property
    def noted(self) -> list[tuple[int, Noted]]:
        """What agents have remembered and forgotten in it, with the place of the part."""
        return noted_in(self.answer)

    @property
    def can_retry(self) -> bool:
        return self.is_last and self.may_write and self.has_ended

    @property
    def can_continue(self) -> bool:
        """An answer that broke off in the middle: there is something to go on from."""
        return self.can_retry and self.run.is_broken_off and bool(self.answer)

    @property
    def can_fork(self) -> bool:
        return self.may_write and self.has_ended

    @property
    def can_keep(self) -> bool:
        """As a test of its agent."""
        return bool(self.tests_of) and self.run.status == Run.Status.COMPLETED and not self.run.continues_id

    @property
    def can_edit(self) -> bool:
        return self.can_fork and not self.run.continues_id

    @property
    def messages(self) -> VersionsView | None:
        """The versions of its message, where there are several."""
        return self._versions("edition", self.run.edition, self.run.editions)

    @property
    def answers(self) -> VersionsView | None:
        """The versions of its answer, where there are several."""
        return self._versions("version", self.run.version, self.run.versions)

    def _versions(self, field: str, shown: int, count: int) -> VersionsView | None:
        if count == 1 or not self.has_ended:
            return None
        return VersionsView(field, shown, count, *(self.labels[f"{name}{field}"] for name in ("", "previous_", "next_")))

    @property
    def feedback(self) -> Feedback | None:
        return getattr(self.run, "feedback", None)

    @property
    def tokens(self) -> int:
        return self.run.input_tokens + self.run.output_tokens

    @property
    def cost(self) -> str:
        """What it has cost, where that is known and not nothing."""
        return prices.in_words(self.run.cost_micro, self.run.currency) if self.run.cost_micro else ""

    @property
    def seconds(self) -> float | None:
        return self.run.seconds


@lru_cache(NAMES)
def _labels(number: int, language: str | None) -> Mapping[str, str]:
    """In the language that is active."""
    sentences = {
        "turn": _("Turn %(number)d"),
        "withdraw": _("Withdraw message %(number)d"),
        "stop": _("Stop answer %(number)d"),
        "answer": _("Answer %(number)d"),
        "copy": _("Copy answer %(number)d"),
        "read": _("Read aloud: answer %(number)d"),
        "continue": _("Continue answer %(number)d"),
        "retry": _("Try again: answer %(number)d"),
        "retry_with": _("Try answer %(number)d again with another model"),
        "edit": _("Edit message %(number)d"),
        "cancel": _("Cancel the edit of message %(number)d"),
        "send": _("Send the edit of message %(number)d"),
        "fork": _("Fork here, after turn %(number)d"),
        "keep": _("Keep as a test: answer %(number)d"),
        "good": _("Answer %(number)d is good"),
        "bad": _("Answer %(number)d is bad"),
        "edition": _("Versions of message %(number)d"),
        "previous_edition": _("Previous version of message %(number)d"),
        "next_edition": _("Next version of message %(number)d"),
        "version": _("Versions of answer %(number)d"),
        "previous_version": _("Previous version of answer %(number)d"),
        "next_version": _("Next version of answer %(number)d"),
    }
    return {name: sentence % {"number": number} for name, sentence in sentences.items()}


def missing_of(run: Run, session: ChatSession) -> str:
    """Return what is missing for a run that failed; empty for those who could not mend it."""
    return availability.missing(run.error_code, session.agent) if run.error_code and is_operator(session.user) else ""


def tests_of(session: ChatSession) -> str:
    """Return the id of its agent, where its owner may change that and keep answers as tests; else nothing."""
    return session.agent.agent_id if may_edit(session.user, session.agent) else ""


def choices_for(run: Run, session: ChatSession, *, is_last: bool, may_write: bool) -> Choices:
    """Return what an answer can be tried again with: of the last one, once it has ended."""
    return choices_of(session.agent) if is_last and may_write and run.status in Run.ENDED else NOTHING


def turn_view(run: Run, parts: list[Part], *, agent_name: str, is_last: bool, may_write: bool, **more: Any) -> TurnView:
    """``parts``: of the run, or of its journal so far when it still runs. ``more``: missing, tests_of, choices."""
    return TurnView(run, parts, agent_name, is_last, may_write, **more)
