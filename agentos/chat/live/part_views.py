"""The parts of an answer as a page shows them: text, thinking, tool calls, delegations, notices."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from agentos.agents.arguments import Argument, readable
from agentos.agents.runtime import approvals
from agentos.agents.tools import label_of
from agentos.chat.live.blocks import closed_end, open_code, settled
from agentos.chat.live.elements import calls_id, part_id
from agentos.chat.live.parts import Part, place_in
from agentos.chat.live.shown import ShownView, shown_view
from agentos.core.rendering import highlighting, markdown
from agentos.core.security.invisible import exact

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
