"""Who does what in the run of a team: which delegation an event of Agno's belongs to.

Every member's run has an id of its own, which its first event tells, and the id of the run that started it. Which call of the leader's it
answers is told nowhere: calls are given to runs in their order, to a run of the member that the call names.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from agno.models.response import ToolExecution

from agentos.agents.events import Delegated, DelegationEnded
from agentos.agents.runtime.text import bounded, clean

TO_ONE, TO_ALL = TOOLS = "delegate_task_to_member", "delegate_task_to_members"


@dataclass
class Delegation:
    """``call_id`` is its own: a call that goes to all members becomes one for each. ``is_paused``: it waits for a person."""

    call_id: str
    by: str
    name: str
    task: str
    began: float = field(default_factory=time.monotonic)
    is_open: bool = True
    is_paused: bool = False


@dataclass
class _Asked:
    call_id: str
    member_id: str
    task: str
    runs: list[Delegation] = field(default_factory=list)


class Delegations:
    """Those of one run. ``of`` says where an event belongs: None for what the leader, or the one agent, does itself."""

    def __init__(self, stored: Mapping[str, Mapping[str, str]] | None = None) -> None:
        """``stored``: by a member's run, those that a stored run waits for."""
        self._by_run = {
            run_id: Delegation(about["call_id"], about["by"], about["name"], about["task"], is_paused=True)
            for run_id, about in (stored or {}).items()
        }
        self._asked: list[_Asked] = []

    def of(self, item: Any) -> Delegation | None:
        return self._by_run.get(item.run_id) if self._by_run else None

    def asked(self, call_id: str, tool: ToolExecution) -> None:
        """Note a call with which the leader delegates."""
        arguments = tool.tool_args or {}
        member_id = str(arguments.get("member_id") or "") if tool.tool_name == TO_ONE else ""
        self._asked.append(_Asked(call_id, member_id, bounded(clean(str(arguments.get("task") or "")))))

    def began(self, item: Any) -> Delegated | None:
        """Take in the start of a run; None for the run itself, and for what a member starts in its turn, which is its own work."""
        parent = item.parent_run_id
        if not parent:
            return None
        if (outer := self._by_run.get(parent)) is not None:
            self._by_run[item.run_id] = outer
            return None
        agent_id, name = _whose(item)
        asked = self._call_for(agent_id)
        call_id, task = (asked.call_id if asked.member_id else f"{asked.call_id}/{agent_id}", asked.task) if asked else (item.run_id, "")
        delegation = self._by_run[item.run_id] = Delegation(call_id, agent_id, name, task)
        if asked:
            asked.runs.append(delegation)
        return Delegated(call_id, agent_id, name, task)

    def _call_for(self, agent_id: str) -> _Asked | None:
        for asked in self._asked:
            if asked.member_id == agent_id and not asked.runs:
                return asked
        free = (asked for asked in self._asked if (not asked.runs if asked.member_id else agent_id not in {run.by for run in asked.runs}))
        return next(free, None)

    def paused(self, item: Any) -> None:
        if delegation := self.of(item):
            delegation.is_paused = True

    def ended(self, item: Any, error: str = "") -> Iterator[DelegationEnded]:
        """Take in the end of a member's run. What the member has started in its turn ends nothing."""
        delegation = self.of(item)
        if delegation is not None and delegation.by == _whose(item)[0]:
            yield from _end(delegation, error)

    def answered(self, call_id: str) -> list[DelegationEnded] | None:
        """Take in that a delegating call has its result, and end what it began; None when nobody took it on."""
        asked = next((asked for asked in self._asked if asked.call_id == call_id), None)
        if asked is None or not asked.runs:
            return None
        return [ended for delegation in asked.runs if not delegation.is_paused for ended in _end(delegation, "")]

    def resumed(self) -> list[Delegated]:
        """Return the events of those that go on now that a person has answered."""
        now = time.monotonic()
        waiting = list({id(each): each for each in self._by_run.values() if each.is_paused}.values())
        for delegation in waiting:
            delegation.is_paused, delegation.began = False, now
        return [Delegated(each.call_id, each.by, each.name, each.task) for each in waiting]

    def stored(self) -> dict[str, dict[str, str]]:
        """Return those that wait for a person, by the member's run, as JSON."""
        return {
            run_id: {"call_id": each.call_id, "by": each.by, "name": each.name, "task": each.task}
            for run_id, each in self._by_run.items()
            if each.is_paused
        }


def _end(delegation: Delegation, error: str) -> Iterator[DelegationEnded]:
    if delegation.is_open:
        delegation.is_open = delegation.is_paused = False
        yield DelegationEnded(delegation.call_id, round(time.monotonic() - delegation.began, 4), error)


def _whose(item: Any) -> tuple[str, str]:
    """Return the id and the name of the agent, or of the team inside the team, that an event is of."""
    agent_id = getattr(item, "agent_id", "") or getattr(item, "team_id", "")
    name = getattr(item, "agent_name", "") or getattr(item, "team_name", "") or agent_id
    return clean(str(agent_id)), clean(str(name))
