"""Agno's own AgentOS server with the same scripted model: what we are measured against. Run by uvicorn."""

import os

os.environ["AGNO_TELEMETRY"] = "false"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_config.settings")

import django

django.setup()

from agno.agent import Agent
from agno.db.postgres import AsyncPostgresDb
from agno.db.sqlite import AsyncSqliteDb
from agno.os import AgentOS

from agentos.agents import scripts
from agentos.agents.runtime.scripted import ScriptedModel

script = scripts.parse(os.environ["BENCH_MODEL"].removeprefix("scripted:"))
assert script is not None

url = os.environ["BENCH_DB"]
agent = Agent(
    id="bench",
    model=ScriptedModel(id=os.environ["BENCH_MODEL"], script=script),
    db=AsyncPostgresDb(db_url=url) if url.startswith("postgresql") else AsyncSqliteDb(db_url=url),
    telemetry=False,
)
app = AgentOS(id="bench", agents=[agent], telemetry=False).get_app()
