"""OAuth 2.1 as MCP wants it: who guards a server, being known there, the way to its sign-in page, and tokens. Knows no database.

By RFC 9728 (the server says who guards it), RFC 8414 (what that can), RFC 7591 (registering), RFC 7636 (PKCE), RFC 8707 (for which server a
token is), RFC 9207 (who answers), RFC 7009 (taking back). Whatever the two say is judged before it is used: a server may lie
about who guards it, and sends us nowhere that no request may go.
"""

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx2

from agentos.connections import problems
from agentos.connections.addresses import check_secret_url
from agentos.connections.problems import AWAY, ConnectionProblem
from agentos.core.http import strict_json
from agentos.core.http.errors import Problem
from agentos.core.security import guarded_http
from agentos.core.text import clean, shorten

POLICY = guarded_http.Policy(total=10, answer_limit=200_000)
TOKEN_LIMIT = 16_000  # characters
LONGEST = 10 * 365 * 86_400  # seconds for which a token may say that it is good
OK, CREATED, UNAUTHORIZED = 200, 201, 401

METHODS = ("none", "client_secret_post", "client_secret_basic")  # in which a client says who it is; the first that both know
OFFLINE = "offline_access"
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "AgentOS", "version": "1"}},
}


class SignInOver(ConnectionProblem):
    """What the member got by signing in is no longer good: they have to do it again."""


@dataclass(frozen=True, slots=True)
class Authority:
    """Who guards a server. ``resource``: the server, as it calls itself; ``names_itself``: it says with each answer who it is."""

    issuer: str
    authorize: str
    token: str
    resource: str
    register: str = ""
    revoke: str = ""
    scope: str = ""
    methods: tuple[str, ...] = ("client_secret_basic",)
    names_itself: bool = False


@dataclass(frozen=True, slots=True)
class Client:
    """As what we are known there. ``method``: one of ``METHODS``."""

    client_id: str
    secret: str = ""
    method: str = "none"
    expires_at: int = 0  # Unix time; 0: never


@dataclass(frozen=True, slots=True)
class Tokens:
    """``seconds``: for which ``access`` is good; None where nobody says."""

    access: str
    refresh: str = ""
    seconds: int | None = None


async def discover(url: str, name: str) -> Authority:
    """Ask a server who guards it, and that what it can. Raises ConnectionProblem."""
    async with guarded_http.async_client(POLICY) as http:
        challenge = await _challenge(http, url, name)
        about = await _resource(http, url, challenge or "", name)
        if about is None and challenge is None:
            raise ConnectionProblem(f"{name} does not ask anybody to sign in.")
        issuers = about.get("authorization_servers") if about else None
        issuer = str(issuers[0]) if isinstance(issuers, list) and issuers else _origin(url)
        said = await _authority(http, issuer, name)
    scope = _of_challenge("scope", challenge or "") or _words((about or {}).get("scopes_supported"))
    if scope and OFFLINE in _words(said.get("scopes_supported")).split() and OFFLINE not in scope.split():
        scope = f"{scope} {OFFLINE}"
    methods = said.get("token_endpoint_auth_methods_supported")
    return Authority(
        issuer=str(said["issuer"]),
        authorize=_endpoint(said, "authorization_endpoint", name),
        token=_endpoint(said, "token_endpoint", name),
        resource=str(about["resource"]) if about else url.partition("#")[0],
        register=_endpoint(said, "registration_endpoint", name, needed=False),
        revoke=_endpoint(said, "revocation_endpoint", name, needed=False),
        scope=scope,
        methods=tuple(map(str, methods)) if isinstance(methods, list) else ("client_secret_basic",),
        names_itself=said.get("authorization_response_iss_parameter_supported") is True,
    )


async def register(authority: Authority, redirect_uri: str, name: str) -> Client:
    """Make ourselves known. Raises ConnectionProblem."""
    if not authority.register:
        raise ConnectionProblem(f"{name} does not let us register by ourselves: whoever manages the connection has to give a client id.")
    wish: dict[str, Any] = {
        "client_name": "AgentOS",
        "redirect_uris": [redirect_uri],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "application_type": "web",
        "token_endpoint_auth_method": method_of(authority, has_secret=True),
    }
    if authority.scope:
        wish["scope"] = authority.scope
    async with guarded_http.async_client(POLICY) as http:
        status, said = await _asked(http, "POST", authority.register, name, json=wish)
    client_id, secret = said.get("client_id"), said.get("client_secret") or ""
    if status not in {OK, CREATED} or not isinstance(client_id, str) or not client_id or not isinstance(secret, str):
        raise ConnectionProblem(f"{name} did not register us{_why(said)}")
    method = said.get("token_endpoint_auth_method") or wish["token_endpoint_auth_method"]
    if method not in METHODS:
        raise ConnectionProblem(f"{name} wants us to prove who we are in a way that we do not know.")
    return Client(client_id, secret, method if secret else "none", _whole(said.get("client_secret_expires_at")) or 0)


def method_of(authority: Authority, *, has_secret: bool) -> str:
    """Return how a client says who it is. Without a secret there is one way only."""
    ways = METHODS if has_secret else METHODS[:1]
    return next((way for way in ways if way in authority.methods), "client_secret_basic" if has_secret else "none")


def way_there(authority: Authority, client: Client, redirect_uri: str, *, state: str, verifier: str) -> str:
    """Return the address of the sign-in page."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": redirect_uri,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "resource": authority.resource,
        **({"scope": authority.scope} if authority.scope else {}),
    }
    return f"{authority.authorize}{'&' if urlsplit(authority.authorize).query else '?'}{urlencode(asked)}"


def check_issuer(authority: Authority, said: str | None, name: str) -> None:
    """Raise ConnectionProblem where another one answers than was asked."""
    if (said is None and authority.names_itself) or (said is not None and said != authority.issuer):
        raise ConnectionProblem(f"This answer is not from whom {name} named. Nothing was kept.")


async def exchange(authority: Authority, client: Client, *, code: str, verifier: str, redirect_uri: str, name: str) -> Tokens:
    """Raises ConnectionProblem."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier}
    return await _tokens(authority, client, form, name)


async def renew(authority: Authority, client: Client, refresh: str, name: str) -> Tokens:
    """Raises SignInOver, and ConnectionProblem for what may be over in a moment."""
    found = await _tokens(authority, client, {"grant_type": "refresh_token", "refresh_token": refresh}, name)
    return found if found.refresh else Tokens(found.access, refresh, found.seconds)


async def revoke(authority: Authority, client: Client, tokens: Tokens, name: str) -> bool:
    """Have tokens taken back. Returns whether that was done; raises nothing."""
    if not authority.revoke:
        return False
    done = True
    async with guarded_http.async_client(POLICY) as http:
        for kind, token in (("refresh_token", tokens.refresh), ("access_token", tokens.access)):
            if token:
                form, headers = _signed(client, {"token": token, "token_type_hint": kind})
                try:
                    answer = await http.post(authority.revoke, data=form, headers=headers)
                except (httpx2.HTTPError, guarded_http.Forbidden):
                    return False
                done = done and answer.status_code == OK
    return done


async def _tokens(authority: Authority, client: Client, form: dict[str, str], name: str) -> Tokens:
    form, headers = _signed(client, {**form, "resource": authority.resource})
    async with guarded_http.async_client(POLICY) as http:
        status, said = await _asked(http, "POST", authority.token, name, data=form, headers=headers)
    if status != OK:
        over = said.get("error") in {"invalid_grant", "invalid_client", "unauthorized_client"} or status == UNAUTHORIZED
        raise (SignInOver if over else ConnectionProblem)(f"{name} did not let us in{_why(said)}")
    access, refresh = said.get("access_token"), said.get("refresh_token") or ""
    if not (_is_token(access) and (not refresh or _is_token(refresh)) and str(said.get("token_type", "")).lower() == "bearer"):
        raise ConnectionProblem(f"{name} answered with something that is no token.")
    return Tokens(str(access), str(refresh), _whole(said.get("expires_in")))


def _signed(client: Client, form: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return a form and headers that say who we are."""
    if client.method == "client_secret_basic":
        both = f"{quote(client.client_id, safe='')}:{quote(client.secret, safe='')}"
        return form, {"Authorization": f"Basic {base64.b64encode(both.encode()).decode()}"}
    secret = {"client_secret": client.secret} if client.method == "client_secret_post" else {}
    return {**form, "client_id": client.client_id, **secret}, {}


async def _challenge(http: httpx2.AsyncClient, url: str, name: str) -> str | None:
    """Return what a server says to whoever comes without a token; None when it lets them in."""
    headers = {"Accept": "application/json, text/event-stream"}
    try:
        async with http.stream("POST", url, json=HELLO, headers=headers) as answer:  # what follows is not read
            if answer.status_code == UNAUTHORIZED:
                return str(answer.headers.get("WWW-Authenticate", ""))
            return None
    except (httpx2.HTTPError, guarded_http.Forbidden) as error:
        raise _trouble(error, name) from None


async def _resource(http: httpx2.AsyncClient, url: str, challenge: str, name: str) -> dict[str, Any] | None:
    """Return what the server says of itself; None where it says nothing. Raises ConnectionProblem when it says that it is another."""
    path = urlsplit(url).path.rstrip("/")
    known = f"{_origin(url)}/.well-known/oauth-protected-resource"
    named = _of_challenge("resource_metadata", challenge)
    for place in dict.fromkeys(filter(None, (named, f"{known}{path}", known))):
        status, said = await _asked(http, "GET", place, name)
        if status == OK and isinstance(said.get("resource"), str):
            if not _covers(said["resource"], url):
                raise ConnectionProblem(f"{name} says that it is another server: {shorten(clean(said['resource']), 120)}.")
            return said
    return None


async def _authority(http: httpx2.AsyncClient, issuer: str, name: str) -> dict[str, Any]:
    """Return what the issuer says of itself. Raises ConnectionProblem."""
    _check(issuer, name)
    for place in _places(issuer):
        status, said = await _asked(http, "GET", place, name)
        if status == OK and "issuer" in said:
            if str(said["issuer"]).rstrip("/") != issuer.rstrip("/"):
                raise ConnectionProblem(f"{name} is said to be guarded by {_short(issuer)}, which calls itself {_short(said['issuer'])}.")
            if "S256" not in _words(said.get("code_challenge_methods_supported")).split():
                raise ConnectionProblem(f"The sign-in of {name} does not know PKCE, without which it is not safe.")
            return said
    raise ConnectionProblem(f"{_short(issuer)}, where one signs in for {name}, does not say how.")


def _places(issuer: str) -> Iterator[str]:
    """Give the addresses at which an issuer may tell of itself (RFC 8414, and OpenID Connect's two)."""
    origin, path = _origin(issuer), urlsplit(issuer).path.rstrip("/")
    yield f"{origin}/.well-known/oauth-authorization-server{path}"
    yield f"{origin}/.well-known/openid-configuration{path}"
    if path:
        yield f"{origin}{path}/.well-known/openid-configuration"


async def _asked(http: httpx2.AsyncClient, method: str, url: str, name: str, **how: Any) -> tuple[int, dict[str, Any]]:
    """Return the status, and the JSON object that was answered; an empty one for anything else. Raises ConnectionProblem."""
    _check(url, name)
    headers = {"Accept": "application/json", **how.pop("headers", {})}
    try:
        answer = await http.request(method, url, headers=headers, **how)
    except (httpx2.HTTPError, guarded_http.Forbidden) as error:
        raise _trouble(error, name) from None
    if answer.status_code >= problems.BROKEN or answer.status_code == problems.TOO_MANY:
        raise ConnectionProblem(f"The sign-in of {name} is broken now ({answer.status_code}).", state=AWAY)
    try:
        said = strict_json.parse(answer.content)
    except Problem:
        said = None
    return answer.status_code, said if isinstance(said, dict) else {}


def _check(url: str, name: str) -> None:
    try:
        check_secret_url(url)
    except guarded_http.Forbidden as forbidden:
        raise ConnectionProblem(f"The sign-in of {name} leads where nothing may be sent, {_short(url)}: {forbidden}") from None


def _endpoint(said: Mapping[str, Any], field: str, name: str, *, needed: bool = True) -> str:
    url = said.get(field)
    if not isinstance(url, str) or not url:
        if needed:
            raise ConnectionProblem(f"The sign-in of {name} does not say where it is.")
        return ""
    _check(url, name)
    return url


def _trouble(error: Exception, name: str) -> ConnectionProblem:
    found = problems.of_error(error, f"The sign-in of {name}", limit=1_000_000)
    return found or ConnectionProblem(f"The sign-in of {name} cannot be reached now.", state=AWAY)


def _covers(resource: str, url: str) -> bool:
    """Whether a server's address is the resource, or below it."""
    mine, its = urlsplit(url), urlsplit(resource)
    if _origin(url) != _origin(resource) or its.query or its.fragment:
        return False
    return f"{mine.path.rstrip('/')}/".startswith(f"{its.path.rstrip('/')}/")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _of_challenge(field: str, challenge: str) -> str:
    found = re.search(rf'\b{field}=(?:"([^"]*)"|([^\s,]+))', challenge)
    return (found[1] or found[2] or "") if found else ""


def _words(value: Any) -> str:
    return " ".join(str(each) for each in value) if isinstance(value, list) else ""


def _whole(value: Any) -> int | None:
    """Return a number of seconds, or of a moment; None for what is none."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 12:  # noqa: PLR2004 - digits
        value = int(value)
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 10**11 else None


def _is_token(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= TOKEN_LIMIT and value.isascii() and value.isprintable() and " " not in value


def _why(said: Mapping[str, Any]) -> str:
    why = said.get("error_description") or said.get("error")
    return f": {shorten(clean(str(why)), 120)}" if why else "."


def _short(url: Any) -> str:
    return shorten(clean(str(url)), 100)
