"""Questions to databases that the operator has named (``AGENTOS_SQL_SOURCES``), which nobody can change through here."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, Field

from agentos.agents.tools import databases
from agentos.agents.tools.databases import Database, Rows, Trouble
from agentos.agents.tools.definition import CallContext, Refused, Tool, current
from agentos.agents.tools.external import external_call
from agentos.conf import app_settings

TEXT_LIMIT = 16_000  # characters of rows that the model is given
CELL_LIMIT = 500  # characters
SQL_LIMIT = 10_000  # characters
TABLES = 200


class Options(BaseModel):
    """What an operator chooses for an agent."""

    sources: Annotated[list[str], Field(description="Names of the databases that it may read.")] = []


def sources() -> dict[str, str]:
    """Return the address of each source by its name."""
    return dict(item.split("=", 1) for item in app_settings.SQL_SOURCES)


sql = Tool(
    "sql",
    "Database",
    "Reads from databases that the operator has named: tables, and questions in SQL.",
    group="Data",
    is_private=True,
    needs=lambda: (
        "" if app_settings.SQL_SOURCES else "Name a database in AGENTOS_SQL_SOURCES, for example shop=postgres://reader:...@host/shop."
    ),
    options=Options,
)


@sql.function
async def list_tables(source: str = "") -> str:
    """List the tables of a database, with their columns and types.

    Args:
        source: Name of the database. Without it: the only one, or the list of them.
    """
    names = _allowed()
    if not source and len(names) > 1:
        return f"There are these databases: {', '.join(names)}. Name one."
    tables = await _asked(source, lambda database: database.tables())
    said = [f"{name}({', '.join(columns)})" for name, columns in list(tables.items())[:TABLES]]
    more = f"\n… and {len(tables) - TABLES} more" if len(tables) > TABLES else ""
    return _cut("\n".join(said) + more) if said else "There is no table that may be read."


def _unfit(_context: CallContext, arguments: Mapping[str, Any]) -> str:
    query = arguments["query"]
    if len(query) > SQL_LIMIT:
        return f"The query has {len(query):,} characters; {SQL_LIMIT:,} are allowed."
    return "" if _is_text(query) else "There are characters in the query that are none of SQL."


async def query_database(query: str, source: str = "") -> str:
    """Ask a database by one SELECT. Only reading is possible; at most 200 rows come back, so count and sum in SQL.

    Args:
        query: One SELECT statement, in the database's own SQL.
        source: Name of the database. Without it: the only one.
    """
    if why := _unfit(current.get(), {"query": query}):
        raise Refused(why)
    return _written(await _asked(source, lambda database: database.rows(query)))


sql.function(query_database, unfit=_unfit)


def _is_text(query: str) -> bool:
    try:
        return b"\0" not in query.encode()
    except UnicodeEncodeError:
        return False


def _allowed() -> list[str]:
    """Return the names of the sources that this agent has."""
    chosen = current.get().options.get("sql", {}).get("sources", [])
    names = [name for name in sources() if name in chosen]
    if not names:
        raise Refused("No database has been chosen for this agent: whoever makes it does that in the options of the tool.")
    return names


def _url(source: str) -> str:
    names = _allowed()
    if not source and len(names) == 1:
        return sources()[names[0]]
    if source not in names:
        raise Refused(f"There is no database {source[:60]!r} for this agent; there is {', '.join(names)}.")
    return sources()[source]


async def _asked(source: str, ask: Callable[[Database], Any]) -> Any:
    """Ask in a thread. Whoever stops waiting stops the question."""
    url = _url(source)
    database = databases.of(url)
    try:
        async with external_call("sql", urlsplit(url).hostname or "this machine"):
            return await _in_thread(lambda: ask(database), database)
    except Trouble as trouble:
        raise Refused(str(trouble)) from None


async def _in_thread(work: Callable[[], Any], database: Database) -> Any:
    answered: Awaitable[Any] = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(answered)
    except asyncio.CancelledError:
        threading.Thread(target=database.stop, name="sql-stop").start()  # it may have to ask the server
        raise


def _written(rows: Rows) -> str:
    """Return them as JSON, as many as there is room for."""
    lines: list[str] = []
    room = TEXT_LIMIT
    for row in rows.rows:
        line = json.dumps([_cell(value) for value in row], ensure_ascii=False)
        room -= len(line) + 1
        if room < 0:
            break
        lines.append(line)
    is_all = len(lines) == len(rows.rows) and not rows.is_cut
    head = json.dumps(rows.columns, ensure_ascii=False)
    end = f"{len(lines)} row{'' if len(lines) == 1 else 's'}." if is_all else f"The first {len(lines)} rows; there are more. Sum up in SQL."
    return _cut("\n".join([head, *lines, end]))


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)  # noqa: PLR0124 - NaN is not itself
    if isinstance(value, bytes | memoryview):
        return f"({len(value):,} bytes)"
    text = str(value)
    return text if len(text) <= CELL_LIMIT else text[:CELL_LIMIT] + "…"


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_LIMIT + CELL_LIMIT else text[:TEXT_LIMIT] + "\n… (shortened)"
