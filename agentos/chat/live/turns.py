"""A turn as a page shows it: what the template ``agentos/session.html#turn`` reads. The template asks no questions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from agentos.agents import availability, failures, prices
from agentos.agents.arguments import Argument, readable
from agentos.agents.choosing import Choices, choices_of
from agentos.agents.efforts import LABELS as EFFORT_LABELS
from agentos.agents.efforts import NORMAL
from agentos.agents.queries import may_edit, model_label
from agentos.agents.runtime import approvals
from agentos.agents.tools import label_of
from agentos.chat.asks import Ask, asks_of
from agentos.chat.knowledge import Source, address_of, cited_in, sources_in
from agentos.chat.live.blocks import closed_end, open_code, settled
from agentos.chat.live.elements import NAMES, calls_id, part_id, turn_id
from agentos.chat.live.parts import Part, place_in, text_of
from agentos.chat.live.shown import Noted, ShownView, noted_in, shown_view
from agentos.chat.models import ChatSession, Feedback, Run, RunFile
from agentos.core.people import is_operator
from agentos.core.rendering import highlighting, markdown
from agentos.core.rendering.said import Said, said
from agentos.core.security.invisible import exact
from agentos.core.templatetags.agentos import clock_time

NOTHING = Choices()
NO_LINKS: Mapping[int, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class PartView:
    """``done`` is final HTML; ``open`` is the element of the block that still grows, None once the run has ended. ``index``: its place
    among the parts of the run, by which what it shows can be downloaded (``parts.part_at``). ``by``, ``task`` and ``parts`` are a
    delegation's."""

    id: SafeString
    kind: str
    done: SafeString | str = ""
    open: SafeString | None = None
    name: str = ""
    arguments: tuple[Argument, ...] = ()
    status: str = ""
    result: str = ""
    seconds: float | None = None
    decision: str = ""
    changed: str = ""
    decided_by: str = ""
    note: str = ""
    shown: ShownView | None = None
    run_id: str = ""
    index: int = 0
    by: str = ""
    task: str = ""
    parts: "list[PartView | CallsView]" = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CallsView:
    """Calls of one tool that follow each other, as one line that unfolds."""

    id: SafeString
    name: str
    calls: list[PartView]
    kind: str = "calls"

    @property
    def count(self) -> int:
        return len(self.calls)

    @property
    def running(self) -> bool:
        return any(call.status == "running" for call in self.calls)

    @property
    def failed(self) -> int:
        return sum(call.status == "failed" for call in self.calls)

    @property
    def refused(self) -> int:
        return sum(call.status == "refused" for call in self.calls)

    @property
    def shown(self) -> list[PartView]:
        """Those that show people something, which stands below the line."""
        return [call for call in self.calls if call.shown]


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
        """The answer as the model wrote it, once it has ended."""
        return text_of(self.answer) if self.has_ended else ""

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


def activity(parts: list[Part]) -> str:
    """What a running run does at the moment, in a word or two."""
    last = parts[-1] if parts else None
    if last and last["kind"] == "text":
        return "Writing"
    if last and last["kind"] == "tool" and last["status"] == "running":
        return exact(f"Calling {label_of(last['name'])}")
    if at_work := [part["name"] for part in parts if part["kind"] == "delegation" and part["status"] == "running"]:
        return exact(f"{' and '.join(dict.fromkeys(at_work))} at work")
    return "Thinking"


def first_call(parts: list[Part], index: int) -> int:
    """Return where the calls of one tool begin that follow each other up to ``index``, the place of a call."""
    first, name = index, label_of(parts[index]["name"])
    while first and parts[first - 1]["kind"] == "tool" and label_of(parts[first - 1]["name"]) == name:
        first -= 1
    return first


def calls_view(parts: list[Part], of: str, first: int, end: int, *, run_id: str = "", place: int = 0) -> CallsView:
    """Return the calls from ``first`` up to ``end`` as one."""
    how: dict[str, Any] = {"growing": False, "run_id": run_id}
    calls = [part_view(parts[index], part_id(of, index), index=place + index, **how) for index in range(first, end)]
    return CallsView(calls_id(of, first), calls[0].name, calls)


def part_views(
    parts: list[Part], of: str, *, growing: bool, run_id: str = "", place: int = 0, links: Mapping[int, str] = NO_LINKS
) -> list[PartView | CallsView]:
    """``of``: the element that they are in. ``growing``: the last part does. ``place``: where they begin (``parts.part_at``). ``links``:
    where sources are, by the number that names them in the text."""
    views: list[PartView | CallsView] = []
    index = 0
    while index < len(parts):
        end = index + 1
        while parts[index]["kind"] == "tool" and end < len(parts) and parts[end]["kind"] == "tool" and first_call(parts, end) == index:
            end += 1
        if end - index > 1:
            views.append(calls_view(parts, of, index, end, run_id=run_id, place=place))
        else:
            grows = growing and end == len(parts)
            views.append(part_view(parts[index], part_id(of, index), growing=grows, run_id=run_id, index=place + index, links=links))
        index = end
    return views


def part_view(
    part: Part, element_id: SafeString, *, growing: bool, run_id: str = "", index: int = 0, links: Mapping[int, str] = NO_LINKS
) -> PartView:
    """``growing``: the last part of a run that still runs."""
    if part["kind"] == "tool":
        is_refused = part["status"] == "failed" and part.get("decision") == "refused"
        return PartView(
            id=element_id,
            kind="tool",
            name=label_of(part["name"]),
            arguments=readable(part["name"], part["args"]),
            status="refused" if is_refused else part["status"],
            result=part["result"],
            seconds=None if is_refused else part["seconds"],
            decision=part.get("decision", ""),
            decided_by=part.get("decided_by", ""),
            note=part.get("note", ""),
            changed=", ".join(approvals.label_of(name) for name in part.get("changed", ())),
            shown=shown_view(part.get("shown")),
            run_id=run_id,
            index=index,
        )
    if part["kind"] == "delegation":
        return delegation_view(part, element_id, run_id=run_id, index=index, links=links)
    text = part["text"]
    if not growing:
        whole = markdown.render_cached(text, name=f"{element_id}-")
        return PartView(id=element_id, kind=part["kind"], done=markdown.with_sources(whole, links) if links else whole)
    end = closed_end(text)
    done = markdown.render(text[:end], growing=True) if end else ""
    return PartView(id=element_id, kind=part["kind"], done=done, open=open_block(element_id, text[end:]))


def delegation_view(
    part: Part, element_id: SafeString, *, run_id: str = "", index: int = 0, links: Mapping[int, str] = NO_LINKS
) -> PartView:
    """What grows in it grows as long as its agent is at work."""
    return PartView(
        id=element_id,
        kind="delegation",
        name=part["name"],
        by=part["by"],
        task=part["task"],
        status=part["status"],
        result=part["result"],
        seconds=part["seconds"],
        parts=part_views(part["parts"], element_id, growing=part["status"] == "running", run_id=run_id, place=place_in(index), links=links),
    )


def open_block(part_element: str, rest: str) -> SafeString:
    """The element of the block that still grows: what is settled of it, then text as it is written; or code, without the line that
    opens it."""
    if code := open_code(rest):
        name = highlighting.language(code.info)
        return format_html('<div id="{}-open" class="open-block open-code" data-language="{}">{}</div>', part_element, name, code.text)
    so_far = settled(rest)
    kind = "tail row-to-come" if so_far.is_row else "tail"
    tail = format_html('<span id="{}-tail" class="{}">{}</span>', part_element, kind, rest[so_far.end :])
    if not so_far.end:
        return format_html('<div id="{}-open" class="open-block">{}</div>', part_element, tail)
    rendered = markdown.render(rest[: so_far.end], growing=True)
    if not so_far.goes_on:
        return format_html('<div id="{}-open" class="open-block"><div class="settled">{}</div>{}</div>', part_element, rendered, tail)
    space = " " if rest[so_far.end - 1].isspace() else ""
    rendered = markdown.ending_with(rendered, format_html("{}{}", space, tail))
    return format_html('<div id="{}-open" class="open-block"><div class="settled">{}</div></div>', part_element, rendered)


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
