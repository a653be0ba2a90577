"""Whose servers somebody may see and manage, which tools an agent may be given, and how a server is asked."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Q, QuerySet

from agentos.access.models import Membership, Team
from agentos.access.users import User
from agentos.connections import signing_in, stdio
from agentos.connections.client import Target
from agentos.connections.definitions import called
from agentos.connections.models import Grant, RemoteTool, Server
from agentos.connections.problems import ConnectionProblem, NoKey
from agentos.core.people import is_operator
from agentos.core.security.invisible import visible
from agentos.core.security.secrets import Unreadable, unseal

MANAGERS = (Membership.Role.OWNER, Membership.Role.ADMIN)
PREFIX = "mcp:"


@dataclass(frozen=True, slots=True)
class ChosenTool:
    """A tool of an agent as plain data. ``away``: a sentence, why it cannot be called now; models are told it, and so is whoever calls."""

    slug: str
    label: str
    server: str
    name: str
    called: str
    team: int | None = None
    description: str = ""
    schema: dict[str, Any] = field(default_factory=dict)
    policy: str = RemoteTool.Policy.ASK.value
    away: str = ""


def managed_teams(user: User) -> QuerySet[Team]:
    return Team.objects.filter(members__user=user, members__role__in=MANAGERS)


def may_manage(user: User, server: Server) -> bool:
    if is_operator(user):
        return True
    return server.team_id is not None and managed_teams(user).filter(pk=server.team_id).exists()


def is_in_team(user: User, team_pk: int) -> bool:
    """Whether this user is in a team, in whatever role; of others one does not even hear that they exist."""
    return Team.objects.filter(members__user=user, pk=team_pk).exists()


def may_add(user: User) -> bool:
    return is_operator(user) or managed_teams(user).exists()


def servers_for(user: User) -> QuerySet[Server]:
    """Return the servers that this user manages, each with how many tools it has, and how many wait to be accepted."""
    found = Server.objects.select_related("team").annotate(
        tool_count=Count("tools", filter=Q(tools__gone=False)),
        waiting_count=Count("tools", filter=Q(tools__gone=False, tools__offered__isnull=False, tools__problem="")),
    )
    return found if is_operator(user) else found.filter(team__in=managed_teams(user).order_by().values("pk"))


def server_for(user: User, slug: str) -> Server | None:
    """Return a server that this user knows of: their team's; operators know all. Whether they may manage it is another question."""
    found = Server.objects.select_related("team").filter(slug=slug)
    return (found if is_operator(user) else found.filter(team__members__user=user)).first()


def server_with(slug: str) -> Server | None:
    """Return a server, whoever asks: who may hear of it, an agent decides that uses it."""
    return Server.objects.filter(slug=slug).first()


def tools_of(server: Server) -> list[RemoteTool]:
    """Return what it has, and what it had that was accepted: first what waits for somebody, then by name."""
    found = list(RemoteTool.objects.filter(server=server).exclude(gone=True, hash=""))
    for tool in found:
        tool.server = server
    return sorted(found, key=lambda tool: (tool.gone, bool(tool.problem), not tool.offered, tool.name))


def usable_tools() -> list[RemoteTool]:
    """Return what agents can be given, in the order of the servers."""
    accepted = RemoteTool.objects.filter(server__is_active=True, gone=False, problem="", offered__isnull=True)
    found = accepted.exclude(hash="").exclude(policy=RemoteTool.Policy.OFF)
    return list(found.select_related("server").order_by("server__name", "server__pk", "name"))


def parts_of(slug: str) -> tuple[str, str]:
    """Return server and name of ``mcp:<server>/<tool>``."""
    server, _, name = slug.removeprefix(PREFIX).partition("/")
    return server, name


def choices() -> list[ChosenTool]:
    """Return all that agents can be given now."""
    return [_chosen(tool.slug, tool.server.slug, tool.name, tool) for tool in usable_tools()]


def chosen(slugs: Iterable[str]) -> list[ChosenTool]:
    """Return these of an agent's tools, with one query however many servers they are of. One that cannot be used now is there, too."""
    wanted = {slug: parts_of(slug) for slug in slugs if slug.startswith(PREFIX)}
    if not wanted:
        return []
    rows = RemoteTool.objects.select_related("server").filter(
        server__slug__in={server for server, _ in wanted.values()}, name__in={name for _, name in wanted.values()}
    )
    found = {(tool.server.slug, tool.name): tool for tool in rows}
    return [_chosen(slug, *parts, found.get(parts)) for slug, parts in wanted.items()]


def _chosen(slug: str, server: str, name: str, tool: RemoteTool | None) -> ChosenTool:
    if tool is None:
        return ChosenTool(slug, f"{server}: {name}", server, name, called(server, name), away="This connection is no longer there.")
    plain: dict[str, Any] = {"label": f"{tool.server}: {label_of(name)}", "server": server, "name": name, "called": called(server, name)}
    if away := why_not(tool):
        return ChosenTool(slug, **plain, team=tool.server.team_id, away=away)
    about: dict[str, Any] = {"description": tool.description, "schema": tool.schema, "policy": tool.policy}
    return ChosenTool(slug, **plain, team=tool.server.team_id, **about)


def label_of(name: str) -> str:
    """Return a tool's name in words."""
    words = " ".join(visible(name).replace("_", " ").replace("-", " ").replace(".", " ").split())
    return words[:1].upper() + words[1:]


def why_not(tool: RemoteTool) -> str:
    """Return why a tool cannot be called now, as a sentence; empty when it can."""
    if not tool.server.is_active:
        return f"The connection {tool.server} is switched off."
    if tool.problem:
        return f"This tool cannot be used: {tool.problem}"
    if tool.gone:
        return f"{tool.server} no longer has this tool."
    if tool.offered:
        return f"{tool.server} has changed this tool. It is off until whoever manages the connection accepts it."
    return "This tool is switched off." if tool.policy == RemoteTool.Policy.OFF else ""


def target_of(slug: str, user_pk: int | None) -> tuple[Target, str]:
    """Return how a server is asked for this user, and the state that is known of it. Raises ConnectionProblem."""
    server = Server.objects.filter(slug=slug).first()
    if server is None:
        raise ConnectionProblem("This connection is no longer there.")
    if not server.is_active:
        raise ConnectionProblem(f"The connection {server} is switched off.")
    return target(server, user_pk), server.state


def target(server: Server, user_pk: int | None) -> Target:
    """Return how it is asked, whether it is on or not. Raises ConnectionProblem."""
    if server.is_local:
        program = stdio.programs().get(server.slug)
        if program is None:
            raise ConnectionProblem(f"{server} is no longer in AGENTOS_MCP_STDIO.")
        return Target(server.slug, server.name, command=program.command, env=program.env, seconds=server.seconds)
    plain: dict[str, Any] = {"url": server.url, "seconds": server.seconds, "is_personal": server.is_personal}
    if server.signs_in:
        return _signed_in(server, user_pk, plain)
    headers = {} if server.auth == Server.Auth.NONE else {server.header: _credential(server, user_pk)}
    return Target(server.slug, server.name, headers=headers, **plain)


def _signed_in(server: Server, user_pk: int | None, plain: dict[str, Any]) -> Target:
    grant = Grant.objects.filter(server=server, user=user_pk).first()
    if grant is None or grant.problem:
        raise NoKey((grant and grant.problem) or f"You are not connected to {server} yet.", server.slug)
    try:
        kept = signing_in.kept_in(grant.secret)
    except Unreadable:
        raise NoKey(f"Your sign-in at {server} cannot be read, since SECRET_KEY has changed. Connect again.", server.slug) from None
    headers = {"Authorization": f"Bearer {kept.tokens.access}"}
    return Target(server.slug, server.name, headers=headers, grant=(grant.pk, grant.turn), is_due=signing_in.is_due(grant), **plain)


def _credential(server: Server, user_pk: int | None) -> str:
    sealed = server.secret
    if server.auth == Server.Auth.MEMBER_KEY:
        sealed = Grant.objects.filter(server=server, user=user_pk).values_list("secret", flat=True).first() or ""
    if not sealed and server.auth == Server.Auth.MEMBER_KEY:
        raise NoKey(f"You have not given your own key for {server} yet.", server.slug)
    if not sealed:
        raise ConnectionProblem(f"{server} has no key yet.")
    try:
        key = unseal(sealed)
    except Unreadable:
        raise ConnectionProblem(f"The key for {server} cannot be read, since SECRET_KEY has changed. Give it again.") from None
    return f"Bearer {key}" if server.header.lower() == "authorization" and " " not in key else key


def grant_of(server: Server, user: User) -> Grant | None:
    return Grant.objects.filter(server=server, user=user).first()


def wanting_keys(slugs: Iterable[str], user: User) -> list[tuple[Server, Grant | None]]:
    """Return those of these servers that want each member's own key or sign-in, and what this one has given or got."""
    servers = list(Server.objects.filter(slug__in=set(slugs), auth__in=(Server.Auth.MEMBER_KEY, Server.Auth.OAUTH), is_active=True))
    given = {grant.server_id: grant for grant in Grant.objects.filter(server__in=servers, user=user)}
    return [(server, given.get(server.pk)) for server in servers]
