"""A turn as a page shows it: what the template ``chat/_turn.html`` reads. The template asks no questions."""

import json
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from agentos.agents import failures
from agentos.agents.runtime import approvals
from agentos.chat.blocks import closed_end, open_code, settled
from agentos.chat.models import Feedback, Run
from agentos.chat.parts import Part
from agentos.core import markdown

NAMES = 1024  # that are kept


@dataclass(frozen=True, slots=True)
class PartView:
    """``done`` is final HTML; ``open`` is the element of the block that still grows, None once the run has ended."""

    id: SafeString
    kind: str
    done: SafeString | str = ""
    open: SafeString | None = None
    name: str = ""
    args: str = ""
    status: str = ""
    result: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """What a waiting run asks a person: to agree to a call, shown as it would be made, or to fill in ``fields``."""

    call_id: str
    name: str
    args: str
    is_form: bool
    fields: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class TurnView:
    id: SafeString
    run: Run
    agent_name: str
    parts: list[PartView]
    now: str = ""
    failure: str = ""
    is_last: bool = False
    may_write: bool = False
    asks: list[Ask] = field(default_factory=list)

    @property
    def number(self) -> SafeString:
        return _named("{}", self.run.turn)

    @property
    def has_ended(self) -> bool:
        return self.run.status in Run.ENDED

    @property
    def can_retry(self) -> bool:
        return self.is_last and self.may_write and self.has_ended

    @property
    def can_continue(self) -> bool:
        """An answer that broke off in the middle: there is something to go on from."""
        return self.can_retry and self.run.status in Run.BROKEN_OFF and bool(self.parts)

    @property
    def can_fork(self) -> bool:
        return self.may_write and self.has_ended

    @property
    def feedback(self) -> Feedback | None:
        return getattr(self.run, "feedback", None)

    @property
    def tokens(self) -> int:
        return self.run.input_tokens + self.run.output_tokens


def ask_view(requirement: dict[str, Any]) -> Ask:
    args = requirement.get("args") or {}
    return Ask(
        call_id=requirement.get("call_id", ""),
        name=requirement.get("name", ""),
        args=json.dumps(args, indent=2, ensure_ascii=False) if args else "",
        is_form=requirement.get("kind") == approvals.INPUT,
        fields=requirement.get("fields", []),
    )


def turn_id(run: Run) -> SafeString:
    """The id of the turn's element: by turn, so that a retry takes the place of what it replaces."""
    return _named("turn-{}", run.turn)


def part_id(turn: int, index: int) -> SafeString:
    return _named("turn-{}-part-{}", turn, index)


@lru_cache(NAMES)
def _named(pattern: str, *numbers: int) -> SafeString:
    """What a template writes a dozen times, and would make safe and spell out each time."""
    return format_html(pattern, *numbers)


def activity(parts: list[Part]) -> str:
    """What a running run does at the moment, in a word or two."""
    last = parts[-1] if parts else None
    if last and last["kind"] == "text":
        return "Writing"
    if last and last["kind"] == "tool" and last["status"] == "running":
        return f"Calling {last['name']}"
    return "Thinking"


def part_view(part: Part, element_id: SafeString, *, growing: bool) -> PartView:
    """``growing``: the last part of a run that still runs."""
    if part["kind"] == "tool":
        return PartView(
            id=element_id,
            kind="tool",
            name=part["name"],
            args=json.dumps(part["args"], indent=2, ensure_ascii=False),
            status=part["status"],
            result=part["result"],
            seconds=part["seconds"],
        )
    text = part["text"]
    if not growing:
        return PartView(id=element_id, kind=part["kind"], done=markdown.render_cached(text))
    end = closed_end(text)
    done = markdown.render(text[:end]) if end else ""
    return PartView(id=element_id, kind=part["kind"], done=done, open=open_block(element_id, text[end:]))


def open_block(part_element: str, rest: str) -> SafeString:
    """The element of the block that still grows: what is settled of it, then text as it is written; or code, without the line that
    opens it."""
    if code := open_code(rest):
        name = markdown.language(code.info)
        return format_html('<div id="{}-open" class="open-block open-code" data-language="{}">{}</div>', part_element, name, code.text)
    so_far = settled(rest)
    tail = format_html('<span id="{}-tail" class="tail">{}</span>', part_element, rest[so_far.end :])
    if not so_far.end:
        return format_html('<div id="{}-open" class="open-block">{}</div>', part_element, tail)
    rendered = markdown.render(rest[: so_far.end])
    if not so_far.goes_on:
        return format_html('<div id="{}-open" class="open-block"><div class="settled">{}</div>{}</div>', part_element, rendered, tail)
    space = " " if rest[so_far.end - 1].isspace() else ""
    rendered = markdown.ending_with(rendered, format_html("{}{}", space, tail))
    return format_html('<div id="{}-open" class="open-block"><div class="settled">{}</div></div>', part_element, rendered)


def turn_view(run: Run, parts: list[Part], *, agent_name: str, is_last: bool, may_write: bool) -> TurnView:
    """``parts``: of the run, or of its journal so far when it still runs."""
    last = len(parts) - 1
    views = [part_view(part, part_id(run.turn, index), growing=run.is_open and index == last) for index, part in enumerate(parts)]
    return TurnView(
        id=turn_id(run),
        run=run,
        agent_name=agent_name,
        parts=views,
        now=activity(parts) if run.status == Run.Status.RUNNING else "",
        failure=failures.sentence(run.error_code) if run.error_code else "",
        is_last=is_last,
        may_write=may_write,
        asks=[ask_view(requirement) for requirement in run.requirements] if run.status == Run.Status.WAITING else [],
    )
