"""Members who sign in at a server (OAuth): on their way there, back again, renewed while they use it, and taken back.

No database is held while the network is asked. Renewing is done once, whoever needs it at the same time and on whatever machine: many
servers take everything back from whom they see use the same token twice. So it is claimed by a row that says until when, and others
wait for what comes.
"""

import asyncio
import hashlib
import json
import secrets
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils.crypto import constant_time_compare

from agentos.access.users import User
from agentos.audit.actions import record
from agentos.connections import oauth
from agentos.connections.models import Grant, OAuthClient, Server, SignIn
from agentos.connections.oauth import Authority, Client, SignInOver, Tokens
from agentos.connections.problems import ConnectionProblem, NoKey
from agentos.core import clock, db
from agentos.core.security.secrets import Unreadable, seal, unseal

MINUTES = 10  # that a member has at the server's sign-in page
BEGIN_SECONDS = 30
EARLY = 60  # seconds before its end a token is renewed
LEASE = timedelta(seconds=25)  # longer than ``oauth.POLICY.total``
LOOK_AGAIN = 0.1  # seconds

_renewing: set[asyncio.Task[None]] = set()


@dataclass(frozen=True, slots=True)
class Kept:
    """What a grant holds, sealed: the tokens, and all that is needed to renew them and to take them back."""

    authority: Authority
    client: Client
    tokens: Tokens

    def sealed(self) -> str:
        return seal(json.dumps(asdict(self)))


def kept_in(secret: str) -> Kept:
    """Raises Unreadable."""
    said = json.loads(unseal(secret))
    return Kept(_authority(said["authority"]), Client(**said["client"]), Tokens(**said["tokens"]))


async def begin(server: Server, *, by: User, browser: str, redirect_uri: str) -> str:
    """Return the address of the page where the member signs in. ``browser``: what only their session holds. Raises ConnectionProblem, which
    the member's page then shows (``SignIn.problem``)."""
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    try:
        async with asyncio.timeout(BEGIN_SECONDS):
            authority = await oauth.discover(server.url, server.name)
            client = await _client(server, authority, redirect_uri)
    except (ConnectionProblem, TimeoutError) as error:
        problem = error if isinstance(error, ConnectionProblem) else ConnectionProblem(f"{server} took too long to say where one signs in.")
        await db.write(_note, server=server, by=by, problem=str(problem))
        raise problem from None
    needed = {"authority": asdict(authority), "client": asdict(client), "verifier": verifier, "redirect_uri": redirect_uri}
    secret = seal(json.dumps(needed))
    await db.write(_note, server=server, by=by, state=_hash(state), browser=_hash(browser), secret=secret)
    return oauth.way_there(authority, client, redirect_uri, state=state, verifier=verifier)


def come_back(server: Server, *, by: User, browser: str, state: str) -> SignIn | None:
    """Return the sign-in that this answer belongs to, once; None where there is none, or not of this browser, or not any more."""
    found = SignIn.objects.select_related("server").filter(server=server, user=by).exclude(state="").first()
    if found is None or not browser or not constant_time_compare(found.state, _hash(state)):
        return None
    if not constant_time_compare(found.browser, _hash(browser)) or found.created_at < clock.now() - timedelta(minutes=MINUTES):
        return None
    taken = SignIn.objects.filter(pk=found.pk, state=found.state).update(state="", browser="", secret="")
    return found if taken else None


async def finish(sign_in: SignIn, *, by: User, code: str, issuer: str | None, error: str) -> str:
    """Trade what the server gave for tokens, and keep those. Returns a sentence, why that could not be; empty when it was done."""
    server = sign_in.server
    try:
        said = json.loads(unseal(sign_in.secret))
        authority, client = _authority(said["authority"]), Client(**said["client"])
        oauth.check_issuer(authority, issuer, server.name)
        if error == "access_denied":
            raise ConnectionProblem(f"You were not connected: {server} was told no.")  # noqa: TRY301
        if error or not code:
            raise ConnectionProblem(f"{server} did not let you in.")  # noqa: TRY301
        how: dict[str, Any] = {"code": code, "verifier": said["verifier"], "redirect_uri": said["redirect_uri"], "name": server.name}
        tokens = await oauth.exchange(authority, client, **how)
    except (ConnectionProblem, Unreadable) as problem:
        await db.write(_note, server=server, by=by, problem=str(problem))
        return str(problem)
    await db.write(_keep, server=server, by=by, kept=Kept(authority, client, tokens))
    return ""


async def renew(grant_pk: int, turn: int, name: str, slug: str) -> None:
    """See to it that a grant is another one than it was at ``turn``. Raises NoKey where the member has to sign in again, and
    ConnectionProblem. A caller that is stopped meanwhile leaves it to be finished: what is renewed is lost otherwise."""
    task = asyncio.create_task(_renew(grant_pk, turn, name, slug), name=f"renewing for {slug}")
    _renewing.add(task)
    task.add_done_callback(_done)
    await asyncio.shield(task)


async def disconnect(kept: Kept | None, *, server: Server, by: User) -> None:
    """Have what was forgotten here (``forget``) taken back there, and say it on the member's page where that could not be."""
    if kept is None or not await oauth.revoke(kept.authority, kept.client, kept.tokens, server.name):
        said = f"You are disconnected here. {server} could not be told: if you want it to forget this, too, say so there."
        await db.write(_note, server=server, by=by, problem=said)


@transaction.atomic
def forget(*, server: Server, by: User) -> Kept | None:
    """Delete what a member got by signing in, and return it."""
    SignIn.objects.filter(server=server, user=by).delete()
    grant = Grant.objects.select_for_update().filter(server=server, user=by).first()
    if grant is None:
        return None
    grant.delete()
    _record("signed_out", server, by)
    try:
        return kept_in(grant.secret)
    except (Unreadable, ValueError, KeyError, TypeError):
        return None


def is_due(grant: Grant) -> bool:
    """Whether it has to be renewed before it is used."""
    return grant.expires_at is not None and grant.expires_at < clock.now() + timedelta(seconds=EARLY)


def trouble_of(server: Server, user: User) -> str:
    """Return how this member's last try went, where it went wrong."""
    return SignIn.objects.filter(server=server, user=user).values_list("problem", flat=True).first() or ""


async def _renew(grant_pk: int, turn: int, name: str, slug: str) -> None:
    over = asyncio.get_running_loop().time() + LEASE.total_seconds()
    while (held := await db.write(_claim, grant_pk, turn, name, slug)) is None:
        if asyncio.get_running_loop().time() > over:
            raise ConnectionProblem(f"Your sign-in at {name} is being renewed, which takes too long. Try again.")
        await asyncio.sleep(LOOK_AGAIN)
    if not held:
        return
    kept = held[0]
    try:
        if not kept.tokens.refresh:
            raise SignInOver(f"Your sign-in at {name} is over.")  # noqa: TRY301
        tokens = await oauth.renew(kept.authority, kept.client, kept.tokens.refresh, name)
    except SignInOver as problem:
        sentence = f"{problem} Connect again."
        await db.write(_release, grant_pk, turn, problem=sentence)
        raise NoKey(sentence, slug) from None
    except BaseException:
        await asyncio.shield(db.write(_release, grant_pk, turn))
        raise
    await db.write(_renewed, grant_pk, turn, Kept(kept.authority, kept.client, tokens))


def _claim(grant_pk: int, turn: int, name: str, slug: str) -> list[Kept] | None:
    """Return what is to be renewed, in a list; an empty one when it was renewed meanwhile, None while somebody does it. Raises NoKey."""
    now = clock.now()
    mine = Grant.objects.filter(Q(renewing_until=None) | Q(renewing_until__lt=now), pk=grant_pk, turn=turn, problem="")
    taken = mine.update(renewing_until=now + LEASE)
    grant = Grant.objects.filter(pk=grant_pk).first()
    if grant is None or grant.problem:
        raise NoKey(grant.problem if grant else f"You are not connected to {name}.", slug)
    if not taken:
        return None if grant.turn == turn else []
    try:
        return [kept_in(grant.secret)]
    except Unreadable:
        sentence = f"Your sign-in at {name} cannot be read, since SECRET_KEY has changed. Connect again."
        _release(grant_pk, turn, problem=sentence)
        raise NoKey(sentence, slug) from None


def _release(grant_pk: int, turn: int, problem: str = "") -> None:
    Grant.objects.filter(pk=grant_pk, turn=turn).update(renewing_until=None, problem=problem[:300])


def _renewed(grant_pk: int, turn: int, kept: Kept) -> None:
    Grant.objects.filter(pk=grant_pk, turn=turn).update(**_stored(kept), turn=F("turn") + 1)


def reject(grant_pk: int, turn: int, sentence: str) -> None:
    """The server does not take what was just renewed: the member has to sign in again."""
    Grant.objects.filter(pk=grant_pk, turn=turn).update(problem=sentence[:300])


def _stored(kept: Kept) -> dict[str, Any]:
    seconds = kept.tokens.seconds
    end = None if seconds is None else clock.now() + timedelta(seconds=min(seconds, oauth.LONGEST))
    return {
        "secret": kept.sealed(),
        "expires_at": end,
        "renews": bool(kept.tokens.refresh),
        "renewing_until": None,
        "problem": "",
    }


@transaction.atomic
def _keep(*, server: Server, by: User, kept: Kept) -> None:
    SignIn.objects.filter(server=server, user=by).delete()
    fields = {**_stored(kept), "created_at": clock.now()}
    grant, made = Grant.objects.get_or_create(server=server, user=by, defaults=fields)
    if not made:  # whoever renews the old one must not write over this
        Grant.objects.filter(pk=grant.pk).update(**fields, turn=F("turn") + 1)
    _record("signed_in", server, by)


def _note(*, server: Server, by: User, **fields: Any) -> None:
    plain = {"state": "", "browser": "", "secret": "", "problem": "", "created_at": clock.now(), **fields}
    plain["problem"] = plain["problem"][:300]
    SignIn.objects.update_or_create(server=server, user=by, defaults=plain)


async def _client(server: Server, authority: Authority, redirect_uri: str) -> Client:
    """Return as what we are known: as the manager says, as we registered before, or as we register now."""
    if server.client_id:
        secret = unseal(server.secret) if server.secret else ""
        return Client(server.client_id, secret, oauth.method_of(authority, has_secret=bool(secret)))
    if known := await db.read(_known, server, authority.issuer, redirect_uri):
        return known
    client = await oauth.register(authority, redirect_uri, server.name)
    await db.write(_remember, server, authority.issuer, redirect_uri, client)
    return client


def _known(server: Server, issuer: str, redirect_uri: str) -> Client | None:
    row = OAuthClient.objects.filter(server=server, issuer=issuer, redirect_uri=redirect_uri).first()
    if row is None or (row.expires_at is not None and row.expires_at < clock.now()):
        return None
    try:
        return Client(**json.loads(unseal(row.secret)))
    except Unreadable:
        return None


def _remember(server: Server, issuer: str, redirect_uri: str, client: Client) -> None:
    left = client.expires_at - clock.now().timestamp()
    end = clock.now() + timedelta(seconds=max(0, min(left, oauth.LONGEST))) if client.expires_at else None
    fields = {"issuer": issuer, "redirect_uri": redirect_uri, "secret": seal(json.dumps(asdict(client))), "expires_at": end}
    OAuthClient.objects.update_or_create(server=server, defaults=fields)


def _authority(said: dict[str, Any]) -> Authority:
    return Authority(**{**said, "methods": tuple(said["methods"])})


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _done(task: asyncio.Task[None]) -> None:
    _renewing.discard(task)
    if not task.cancelled():
        task.exception()  # whoever waited has it


def _record(past: str, server: Server, by: User) -> None:
    record(f"connections.server.{past}", by=by, object_type="connection", object_id=server.slug, team=server.team_id)
