"""What managers do with servers and their tools, and members with their keys. Each leaves an audit record, which never holds a key.

ConnectionChange
+-- InvalidServer     a field has a value that cannot be used
+-- TooManyServers    an owner has a limited number of servers
+-- NotAccepted       a policy for a tool that cannot have it
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction

from agentos.access.models import Team
from agentos.access.users import User
from agentos.audit.actions import record
from agentos.connections import stdio
from agentos.connections.addresses import check_secret_url
from agentos.connections.definitions import Definition
from agentos.connections.models import CLIENT_LIMIT, NAME_LIMIT, SLUG_LIMIT, Grant, OAuthClient, RemoteTool, Server, SignIn
from agentos.connections.problems import REFUSED, ConnectionProblem, NoKey
from agentos.core import clock
from agentos.core.http.errors import Problem
from agentos.core.security import guarded_http
from agentos.core.security.secrets import seal
from agentos.core.text import clean, shorten

SERVERS = 50  # of a team; as many of the installation
KEY_LIMIT = 4000  # characters
SECONDS = (1, 120)

NOT_IN_SLUGS = re.compile(r"[^a-z0-9]+")
HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")
OWN_HEADERS = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "connection", "accept", "accept-encoding", "cookie"}
)


class ConnectionChange(Problem):
    """A change that the rules forbid."""

    status = 409

    def __init__(self, sentence: str) -> None:
        super().__init__(self.status, sentence)


class InvalidServer(ConnectionChange):
    status = 422
    code = "invalid_fields"

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class TooManyServers(ConnectionChange):
    code = "too_many_connections"


class NotAccepted(ConnectionChange):
    code = "tool_not_accepted"


@transaction.atomic
def create_server(*, team: Team | None, name: str, by: User, url: str = "", program: str = "", **how: Any) -> Server:
    """Add a server of a team, or of the installation without one: ``url``, or ``program``, a name of AGENTOS_MCP_STDIO. ``how``: auth,
    header, key, client_id, seconds. Its tools come with the first look. Raises InvalidServer, TooManyServers."""
    if team is not None:
        Team.objects.select_for_update().get(pk=team.pk)
    if Server.objects.filter(team=team).count() >= SERVERS:
        raise TooManyServers(f"There can be {SERVERS} connections. Delete one first.")
    if program:
        _check_program(program, team)
        fields = {"name": _name(name or program), "slug": program, "url": ""}
    else:
        fields = {**_checked(None, {"name": name, "url": url, **how}), "slug": _free_slug(name)}
    server = Server.objects.create(team=team, **fields)
    _record("created", server, by, host=_host(server), auth=server.auth)
    return server


@transaction.atomic
def change_server(*, server: Server, by: User, **changes: Any) -> None:
    """Change what is given of name, url, auth, header, key, client_id and seconds. A new URL is a new server: what was accepted has to be
    accepted again, and its keys are forgotten. So are those of members where another kind of key is wanted. Raises InvalidServer."""
    changes = {name: value for name, value in changes.items() if value is not None}
    fields = {"name": _name(changes["name"])} if server.is_local and "name" in changes else {}
    if not server.is_local:
        moved = "url" in changes and changes["url"].strip() != server.url
        fields = _checked(server, changes, moved=moved)
        if moved:
            _forget(server)
        elif fields["auth"] != server.auth or fields["client_id"] != server.client_id:
            _forget_members(server)
    for field, value in fields.items():
        setattr(server, field, value)
    server.save(update_fields=[*fields, "state", "state_reason"])
    _record("changed", server, by, fields=sorted(changes), host=_host(server))


@transaction.atomic
def update_server(*, server: Server, by: User, enabled: bool | None = None, **changes: Any) -> None:
    """Change what is given, and whether it is on: all of it or nothing. Raises InvalidServer."""
    if changes:
        change_server(server=server, by=by, **changes)
    if enabled is not None:
        _switch(server, by, on=enabled)


@transaction.atomic
def enable_server(*, server: Server, by: User) -> None:
    _switch(server, by, on=True)


@transaction.atomic
def disable_server(*, server: Server, by: User) -> None:
    """Agents keep its tools; calls fail with a sentence until it is on again."""
    _switch(server, by, on=False)


@transaction.atomic
def delete_server(*, server: Server, by: User) -> None:
    """With its tools and everybody's keys."""
    _record("deleted", server, by, host=_host(server))
    server.delete()


@transaction.atomic
def keep_look(*, server: Server, found: list[Definition], by: User) -> None:
    """Store what the server says of its tools now. What is new or has changed is off until somebody accepts it."""
    now = clock.now()
    known = {tool.name: tool for tool in RemoteTool.objects.select_for_update().filter(server=server)}
    for definition in found:
        tool = known.pop(definition.name, None) or RemoteTool(server=server, name=definition.name)
        tool.gone, tool.seen_at, tool.problem = False, now, definition.problem
        tool.offered = None if definition.problem or definition.hash == tool.hash else definition.stored()
        tool.save()
    gone = [tool.pk for tool in known.values() if not tool.gone]
    RemoteTool.objects.filter(pk__in=gone, hash="").delete()
    RemoteTool.objects.filter(pk__in=gone).update(gone=True, offered=None)
    _set_state(server, Server.State.OK)
    _record("refreshed", server, by, tools=len(found), gone=len(gone))


@transaction.atomic
def keep_trouble(*, server: Server, problem: ConnectionProblem, by: User) -> None:
    """Store why the server could not be looked at. Its tools stay what they were."""
    state = Server.State.UNKNOWN if isinstance(problem, NoKey) else Server.State.REFUSED if problem.state == REFUSED else Server.State.AWAY
    _set_state(server, state, str(problem))
    _record("not_refreshed", server, by)


@transaction.atomic
def accept_tools(*, server: Server, offers: Mapping[str, str], by: User) -> int:
    """Accept what the server says of tools now, and return of how many. ``offers``: by name the hash of what somebody has looked at;
    where the server says something else by now, that is not accepted. They ask first, whatever they did before."""
    wanted = RemoteTool.objects.select_for_update().filter(server=server, name__in=list(offers), gone=False, problem="")
    accepted = [tool for tool in wanted if tool.offered and tool.offered["hash"] == offers[tool.name]]
    for tool in accepted:
        offered = tool.offered
        assert offered is not None
        tool.description, tool.schema, tool.hints, tool.hash = (offered[name] for name in ("description", "schema", "hints", "hash"))
        tool.offered, tool.policy = None, RemoteTool.Policy.ASK
        tool.save()
        _record("tool_accepted", server, by, tool=tool.name, hash=tool.hash[:12])
    return len(accepted)


@transaction.atomic
def set_policies(*, server: Server, policies: Mapping[str, str], by: User) -> None:
    """Set what is to be asked before these tools are called. All of it or nothing. Raises NotAccepted."""
    tools = {tool.name: tool for tool in RemoteTool.objects.select_for_update().filter(server=server, name__in=list(policies))}
    for name, policy in policies.items():
        tool = tools.get(name)
        if tool is None or not tool.hash:
            raise NotAccepted(f"The tool {shorten(clean(name), 60)} has not been accepted.")
        if policy not in tool.policies:
            raise NotAccepted(f"{tool} can be off or ask first: its server does not say that it only reads.")
        if policy != tool.policy:
            tool.policy = policy
            tool.save(update_fields=["policy"])
            _record("policy_changed", server, by, tool=name, policy=policy)


@transaction.atomic
def update_tools(*, server: Server, accept: Mapping[str, str], policies: Mapping[str, str], by: User) -> None:
    """Accept tools (``accept_tools``), then set policies: all of it or nothing. Raises NotAccepted."""
    accept_tools(server=server, offers=accept, by=by)
    set_policies(server=server, policies=policies, by=by)


@transaction.atomic
def give_key(*, server: Server, key: str, by: User) -> None:
    """Keep a member's own key. Raises InvalidServer."""
    secret = seal(_key(key))
    Grant.objects.update_or_create(server=server, user=by, defaults={"secret": secret, "created_at": clock.now()})
    _record("key_given", server, by)


@transaction.atomic
def forget_key(*, server: Server, by: User) -> None:
    deleted, _ = Grant.objects.filter(server=server, user=by).delete()
    if deleted:
        _record("key_forgotten", server, by)


@transaction.atomic
def note_call(*, slug: str, by: User | None, state: tuple[str, str] | None = None, **about: Any) -> None:
    """Record a call of a tool, without what it said: tool, host, bytes, outcome, run. ``state``: what the call tells of the server, with
    the reason, where that is something new."""
    record("connections.tool.called", by=by, object_type="connection", object_id=slug, **about)
    if state is not None and (server := Server.objects.filter(slug=slug).first()) is not None:
        _set_state(server, *state)


def _set_state(server: Server, state: str, reason: str = "") -> None:
    server.state, server.state_reason, server.looked_at = state, reason[:300], clock.now()
    server.save(update_fields=["state", "state_reason", "looked_at"])


def _switch(server: Server, by: User, *, on: bool) -> None:
    if server.is_active != on:
        server.is_active = on
        server.save(update_fields=["is_active"])
        _record("switched_on" if on else "switched_off", server, by)


def _forget(server: Server) -> None:
    RemoteTool.objects.filter(server=server).update(hash="", offered=None, gone=True, policy=RemoteTool.Policy.ASK)
    RemoteTool.objects.filter(server=server).delete()
    _forget_members(server)
    server.state, server.state_reason = Server.State.UNKNOWN, ""


def _forget_members(server: Server) -> None:
    for model in (Grant, OAuthClient, SignIn):
        model.objects.filter(server=server).delete()


def _check_program(program: str, team: Team | None) -> None:
    if team is not None or program not in stdio.programs():
        raise InvalidServer("program", "Only what AGENTOS_MCP_STDIO names can be started on this machine, by an operator.")
    if Server.objects.filter(slug=program).exists():
        raise InvalidServer("program", f"There is a connection called {program} already.")


def _checked(server: Server | None, given: Mapping[str, Any], *, moved: bool = False) -> dict[str, Any]:
    """Return the fields of a server that has a URL. Raises InvalidServer."""
    auth = given.get("auth", server.auth if server else Server.Auth.NONE)
    if auth not in Server.Auth.values:
        raise InvalidServer("auth", "Choose one of the kinds of keys.")
    url = _url(given["url"] if "url" in given or server is None else server.url, has_key=auth != Server.Auth.NONE)
    fields: dict[str, Any] = {"url": url, "auth": auth, "client_id": _client_id(server, auth, given)}
    if "name" in given:
        fields["name"] = _name(given["name"])
    if "header" in given:
        fields["header"] = _header(given["header"])
    if "seconds" in given:
        fields["seconds"] = _seconds(given["seconds"])
    return {**fields, "secret": _secret(server, fields, given.get("key") or "", moved=moved)}


def _client_id(server: Server | None, auth: str, given: Mapping[str, Any]) -> str:
    if auth != Server.Auth.OAUTH:
        return ""
    client_id = str(given.get("client_id", server.client_id if server else "")).strip()
    if len(client_id) > CLIENT_LIMIT or not client_id.isascii() or not (client_id.isprintable() or not client_id):
        raise InvalidServer("client_id", f"A client id has at most {CLIENT_LIMIT} characters of ASCII, without line breaks.")
    return client_id


def _secret(server: Server | None, fields: Mapping[str, Any], key: str, *, moved: bool) -> str:
    """Return the sealed key of everybody: the new one, or the one that there is, which goes to no other place than it was given for. With
    a client id it is the secret of that, which not every client has."""
    if fields["client_id"]:
        stays = server is not None and not moved and server.client_id == fields["client_id"]
        return seal(_key(key)) if key.strip() else server.secret if server and stays else ""
    if fields["auth"] != Server.Auth.KEY:
        if key.strip():
            raise InvalidServer(
                "key", "This key would be sent nowhere: choose one key for everybody, give the client id that it is for, or leave it out."
            )
        return ""
    if key.strip():
        return seal(_key(key))
    if server is None or not server.secret or moved or server.auth != Server.Auth.KEY:
        raise InvalidServer("key", "Give the key, too: it is sent to no address that it was not given for.")
    return server.secret


def _url(url: str, *, has_key: bool) -> str:
    url = url.strip()
    try:
        (check_secret_url if has_key else guarded_http.check_url)(url)
    except guarded_http.Forbidden as forbidden:
        raise InvalidServer("url", str(forbidden)) from None
    return url


def _name(name: str) -> str:
    name = " ".join(clean(name).split())
    if not 0 < len(name) <= NAME_LIMIT:
        raise InvalidServer("name", f"A name has 1 to {NAME_LIMIT} characters.")
    return name


def _header(header: str) -> str:
    header = header or "Authorization"
    if not HEADER.fullmatch(header) or header.lower() in OWN_HEADERS or header.lower().startswith(("mcp-", "proxy-")):
        raise InvalidServer("header", "This is not the name of a header that can carry a key.")
    return header


def _seconds(seconds: int) -> int:
    least, most = SECONDS
    if not least <= seconds <= most:
        raise InvalidServer("seconds", f"A call can take {least} to {most} seconds.")
    return seconds


def _key(key: str) -> str:
    key = key.strip()
    if not 0 < len(key) <= KEY_LIMIT or not key.isascii() or not key.isprintable():
        raise InvalidServer("key", f"A key has 1 to {KEY_LIMIT:,} characters of ASCII, without line breaks.")
    return key


def _free_slug(name: str) -> str:
    """Return a slug made of the name that no server has."""
    plain = NOT_IN_SLUGS.sub("-", clean(name).lower()).strip("-")[: SLUG_LIMIT - 4].strip("-") or "server"
    taken = set(Server.objects.filter(slug__startswith=plain).values_list("slug", flat=True)) | set(stdio.programs())
    return next(slug for number in range(1, 10_000) if (slug := plain if number == 1 else f"{plain}-{number}") not in taken)


def _host(server: Server) -> str:
    return urlsplit(server.url).hostname or "" if server.url else "this machine"


def _record(past: str, server: Server, by: User, **data: Any) -> None:
    record(f"connections.server.{past}", by=by, object_type="connection", object_id=server.slug, team=server.team_id, **data)
