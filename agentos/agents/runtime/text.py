"""Text and data that come from a model or a tool, made fit for a database: no NUL, no lone surrogate, no endless string."""

import math
from typing import Any

RESULT_LIMIT = 20_000  # characters of a tool's result that are kept and shown
CUT = "\n… (shortened)"


def clean(text: str) -> str:
    """Return ``text`` without what PostgreSQL and UTF-8 refuse."""
    if "\0" in text:
        text = text.replace("\0", "")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def bounded(text: str, limit: int = RESULT_LIMIT) -> str:
    text = clean(text)
    return text if len(text) <= limit else text[: limit - len(CUT)] + CUT


def jsonable(value: Any) -> Any:
    """Return plain data that JSON takes; what it does not know becomes text."""
    if isinstance(value, str):
        return clean(value)
    if value is None or isinstance(value, bool | int | float):
        return _finite(value)
    if isinstance(value, dict):
        return {clean(str(key)): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    return clean(str(value))


def _finite(value: float | None) -> float | str | None:
    """Return the number; NaN and the infinities as text, since JSON has no word for them."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
