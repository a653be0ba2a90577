"""What a tool shows people in a turn, beside its result: plain data of a kind, which is drawn when the turn is (``partials/chat/shown/``).

It is stored with the answer, so it may come from an older version or from somebody's own tool: what cannot be drawn is left out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agentos.core.rendering import charts


@dataclass(frozen=True, slots=True)
class ShownView:
    template: str
    data: Any


def shown_view(shown: Any) -> ShownView | None:
    if not isinstance(shown, Mapping) or (read := KINDS.get(str(shown.get("kind")))) is None:
        return None
    data = read(shown)
    return None if data is None else ShownView(f"chat/shown/_{shown['kind']}.html", data)


KINDS: dict[str, Callable[[Mapping[str, Any]], Any]] = {"chart": charts.chart_of}
