"""Has the scripted models say when they say it, so that whoever reads it knows how long it was on its way."""

import time
from collections.abc import AsyncIterator
from typing import Any

from django.apps import AppConfig


class BenchConfig(AppConfig):
    name = "tests.bench"
    label = "bench"

    def ready(self) -> None:
        from agentos.agents.runtime.scripted import ScriptedModel

        said = ScriptedModel.ainvoke_stream

        async def stamped(self: ScriptedModel, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            async for response in said(self, *args, **kwargs):
                if response.content:
                    response.content = f"@{time.time_ns() // 100_000} "
                yield response

        ScriptedModel.ainvoke_stream = stamped  # type: ignore[method-assign]
