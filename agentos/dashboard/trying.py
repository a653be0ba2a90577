"""What the try-out pane is sent while a draft answers: its turn, drawn anew now and then, and at the end what was said and what it asks.

The answer to the form streams, and ends with the run; who goes away ends the run.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

from django.urls import reverse
from django.utils.safestring import SafeString

from agentos.access.users import User
from agentos.agents.models import DjangoAgent
from agentos.chat import ephemeral, trying
from agentos.chat.callers import Caller, Watch
from agentos.chat.errors import WaitingForApproval
from agentos.chat.live.elements import turn_id
from agentos.chat.live.parts import Part
from agentos.chat.live.turns import TurnView, turn_view
from agentos.chat.models import MESSAGE_LIMIT, Run
from agentos.chat.runs.following import follow
from agentos.core import db
from agentos.core.fragments import draw, fragment
from agentos.core.http import sse
from agentos.core.http.errors import Problem
from agentos.core.text import clean

PAUSE = 0.15  # seconds between two drawings of an answer that grows
SHARE = 5  # times what a drawing took, at least
TURNS = 40  # that a try-out remembers
SIZE = 64_000  # characters of them

History = list[dict[str, str]]


def history_in(text: str) -> History:
    """Read what the pane keeps of what was said; nothing, where somebody has made something else of it."""
    try:
        said = json.loads(text) if len(text) <= 2 * SIZE else []
    except ValueError:
        return []
    if not isinstance(said, list) or not all(isinstance(each, dict) for each in said):
        return []
    kept = [
        {"role": str(each["role"]), "content": clean(each["content"])[:MESSAGE_LIMIT]}
        for each in said
        if each.get("role") in {"user", "assistant"} and isinstance(each.get("content"), str)
    ][-2 * TURNS :]
    while sum(len(each["content"]) for each in kept) > SIZE:
        kept = kept[1:]
    return kept


def written(history: History) -> str:
    return json.dumps(history, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Trial:
    """One answer to somebody who tries a draft. ``history``: what was said before it. ``is_new``: it does not go on after a question.
    ``left``: the one before it that waited for an answer, and was stopped by this message."""

    run: Run
    agent: DjangoAgent
    user: User
    history: History
    caller: Caller
    is_new: bool = True
    left: Run | None = None

    async def frames(self) -> AsyncIterator[bytes]:
        """Raises nothing: what goes wrong is said in the pane."""
        end: Run | None = None
        try:
            if begun := self._begun():
                yield sse.frame(begun)
            async for html, run in self._looks():
                end = run
                yield sse.frame(html)
            if end:
                yield sse.frame(await asyncio.to_thread(self._last, end))
        except (Problem, WaitingForApproval, Run.DoesNotExist) as error:
            yield sse.frame(fragment(draw("workshop/_try_trouble.html", {"error": str(error)}), "#try-asks", "innerHTML"))
        finally:
            if end is None or end.status != Run.Status.WAITING:
                await self.discard()

    async def discard(self) -> None:
        """End it if it has not ended, and erase what was said; also when who asked has gone away."""
        await asyncio.shield(db.write(ephemeral.discard, run_pk=self.run.pk, by=self.user))

    async def _looks(self) -> AsyncIterator[tuple[str, Run | None]]:
        now, due, watch = asyncio.get_running_loop().time, 0.0, Watch(self.caller)
        async with aclosing(follow(self.run)) as looks:
            async for look in looks:
                await watch.look()
                if look.end is None and now() < due:
                    continue
                began = now()
                run = look.end or self.run
                html = await asyncio.to_thread(self._turn, run, list(look.parts))
                due = now() + max(PAUSE, SHARE * (now() - began))
                yield html, look.end

    def _begun(self) -> str:
        """The turn at the end of what was said, and an empty box. What an answer answers stays until the end: the stream is its form's."""
        if not self.is_new:
            return ""
        box = fragment(draw("workshop/_try_box.html", {"text": ""}), "#try-box", "outerHTML")
        turn = fragment(draw_turn(self.view(self.run, [])), "#try-turns", "upsert")
        return self.told_of_left() + turn + box + fragment("<p hidden></p>", "#try-asks", "innerHTML")

    def told_of_left(self) -> str:
        """The turn that was given up: it stays, and says so."""
        if self.left is None:
            return ""
        return fragment(draw_turn(self.view(self.left, self.left.parts), is_left=True), f"#{turn_id(self.left)}", "outerMorph")

    def _turn(self, run: Run, parts: list[Part]) -> str:
        return fragment(draw_turn(self.view(run, parts)), f"#{turn_id(run)}", "outerMorph")

    def _last(self, end: Run) -> str:
        if end.status == Run.Status.WAITING:
            return fragment(self.asks(end, in_place=True), "#try-asks", "innerHTML")
        kept = draw("workshop/_try_history.html", {"history": written(trying.history_with(end, self.history))})
        return fragment(kept, "#try-history", "outerHTML") + fragment("<p hidden></p>", "#try-asks", "innerHTML")

    def asks(self, run: Run, *, in_place: bool) -> SafeString:
        """The form of what a waiting trial asks."""
        answer_url = reverse("dashboard:answer-trial", args=[self.agent.agent_id, run.run_id])
        context = {"turn": self.view(run, run.parts), "answer_url": answer_url, "history": written(self.history), "in_place": in_place}
        return draw("chat/_asks.html", context)

    def view(self, run: Run, parts: list[Part]) -> TurnView:
        return turn_view(run, parts, agent_name=self.agent.name, is_last=True, may_write=False)


def draw_turn(view: TurnView, *, is_left: bool = False) -> SafeString:
    """Asks the database where it has failed."""
    about = {"trouble": trying.trouble(view.run), "is_left": is_left}
    return draw("workshop/_try_turn.html", {"turn": view, "said": view.said, "parts": view.parts, "run": view.run, **about})
