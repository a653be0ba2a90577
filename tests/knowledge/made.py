"""Bases with documents that are indexed, by the real steps."""

import asyncio
from typing import Any

from agentos.access.models import User
from agentos.knowledge import actions, indexer, indexing
from agentos.knowledge.models import Base, Document

HOUSE = """# Rules of the house

## Quiet hours

From ten at night until seven in the morning nobody plays the trombone.

## Bicycles

Bicycles stand in the yard, under the roof. The key is with the caretaker, Mrs Okafor.

## Waste

Glass is collected on Tuesdays; paper every second Friday.
"""


def base_of(by: User, *texts: str, name: str = "House", **more: Any) -> Base:
    """Make a base with these texts, and index them."""
    base = actions.create_base(name=name, by=by, **more)
    for text in texts:
        actions.add_text(base=base, title="", text=text, by=by)
    index_all()
    return base


def index_all() -> None:
    """Do what the server does beside its requests."""

    async def work() -> None:
        while found := await asyncio.to_thread(indexing.due, 10):
            for pk in found:
                await indexer.index(pk)

    asyncio.run(work())


def only(base: Base) -> Document:
    return Document.objects.get(base=base)
