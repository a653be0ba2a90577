"""The OpenAPI document: what ninja makes of the operations, with the scopes, the error codes and the headers that go with them."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from ninja import NinjaAPI
from ninja.openapi import get_schema
from ninja.openapi.schema import OpenAPISchema

from agentos.agents import failures
from agentos.api.scopes import NEEDED
from agentos.api.sending import UNAVAILABLE_CODES
from agentos.chat.callers import LOST_RIGHTS

# Every X-Error-Code by status, with what it means.
CODES: Mapping[int, Mapping[str, str]] = MappingProxyType(
    {
        400: {"invalid_json": "the body is not JSON", "bad_request": "the request could not be understood"},
        401: {"authentication_error": "sign in first", "invalid_token": "the token is wrong, expired or revoked, or its account suspended"},
        402: {"quota_reached": "what your plan allows is used up", "budget_reached": "a budget for this month is used up"},
        403: {
            "insufficient_scope": "the token does not have the scope",
            "agent_closed": "you lost the right to this agent while you waited for its answer",
            "cross_origin": "another site made the browser send this",
            "not_your_agent": "you may not change this agent, or not share it like that",
            "not_your_skill": "you may not change this skill, or not make one for that team",
            "not_your_base": "you may not change this knowledge base, or not make one like that",
            "forbidden": "you may not do that",
        },
        404: {
            "agent_not_found": "there is no such agent, or you may not use it",
            "session_not_found": "there is no such session of yours",
            "run_not_found": "there is no such run of yours",
            "webhook_not_found": "there is no such webhook of your teams",
            "connection_not_found": "there is no such connection that you manage",
            "skill_not_found": "there is no such skill that you may see",
            "file_not_found": "there is no such file that you may see, or the skill has none",
            "upload_not_found": "there is no such upload of yours",
            "base_not_found": "there is no such knowledge base that you may read",
            "document_not_found": "there is no such document that you may read",
            "memory_not_found": "nothing of yours is remembered under that number",
            "delivery_not_found": "the webhook was sent no such message",
            "team_not_found": "there is no such team of yours",
            "plan_not_found": "there is no such plan, or you may not open an agent to it",
            "person_not_found": "nobody with that id is in the team",
            "invitation_not_found": "there is no such open invitation into the team",
            "version_not_found": "the agent, or the skill, has no such version",
            "test_not_found": "the agent has no such test",
            "request_not_found": "there is no such request that you may decide",
            "not_found": "there is nothing at this address",
        },
        405: {"method_not_allowed": "the address does not answer to that method"},
        409: {
            "agent_closed": "you may no longer use this agent",
            "agent_open": "you may use this agent already",
            "last_owner": "a team needs an owner",
            "no_team": "no team opens this agent, so nobody can be added to one",
            "draft_changed": "somebody else has changed the draft since you read it",
            "not_ready": "something is missing before the draft can be published, or tried",
            "nothing_new": "nothing has changed since the last version",
            "skill_changed": "somebody else has saved the skill since you read it",
            "same_name": "there is a skill, or a knowledge base, of this name already",
            "in_a_module": "the skill comes from a package, and is changed there",
            "too_many_agents": "you have as many agents of your own as one may have",
            "too_many_skills": "there are as many skills as there can be",
            "never_published": "publish the agent first",
            "too_many_tests": "the agent has as many tests as one can have",
            "cannot_test": "there are no tests, or they are being run",
            "has_chats": "the agent was published: turn it off",
            "too_many_uploads": "as many files are on their way as can be",
            "upload_unfinished": "some slices of the file are missing",
            "wrong_state": "the run is not in a state for that",
            "stopped": "somebody stopped the answer",
            "waiting_for_approval": "the answer waits for a person",
            "too_many_webhooks": "the team has as many as it can have",
            "too_many_connections": "there are as many connections as there can be",
            "too_many": "there are as many knowledge bases, or documents in one, as there can be",
            "too_many_memories": "as much is remembered of you as can be",
            "memory_off": "memory is turned off",
            "tool_not_accepted": "the tool has not been accepted, or cannot have this policy",
            "webhook_off": "switch the webhook on first",
            "not_written_down": "the file is no recording",
            "secret_lost": "the webhook's secret cannot be read any more: rotate it",
        },
        413: {
            "too_large": "a body may have 1 MiB, a file what the site says",
            "no_room": "your files may not have more together",
            "not_written_down": "a recording is too large for that",
        },
        415: {
            "unsupported_media_type": "a body is `application/json`, that of a file is bytes",
            "file_not_taken": "not a kind of file that is taken",
        },
        416: {"no_such_range": "the file has no such part"},
        422: {
            "missing_fields": "a field is missing",
            "invalid_fields": "a field has a value that cannot be used",
            "bad_file": "this is not the file of an agent",
            "bad_slice": "the slice is none of this file",
            "file_infected": "the virus scanner has found something",
            "too_many_files": "a message can have ten",
            "key_reused": "the Idempotency-Key was used for something else",
        },
        429: {"too_many_requests": "too much in a short time; with Retry-After"},
        500: {"agentos_error": "a defect, which has been noted"},
        502: dict.fromkeys(sorted(failures.CODES - UNAVAILABLE_CODES - LOST_RIGHTS.keys() - {"interrupted"}), "") | {"run_failed": ""},
        503: {
            **dict.fromkeys(sorted(UNAVAILABLE_CODES), "try again later"),
            "interrupted": "the server went away while the answer was written",
            "not_written_down": "nothing here can write down what is said, or it is too much at once",
            "scanner_unavailable": "files cannot be checked for viruses; with Retry-After",
            "storage_unavailable": "the storage of files does not answer; with Retry-After",
            "unavailable": "the database is down; with Retry-After",
        },
        504: {"not_finished": "the answer will appear in its session"},
    }
)


def _rows() -> Iterator[str]:
    for status, codes in CODES.items():
        said = ", ".join(f"`{code}`{f': {what}' if what else ''}" for code, what in codes.items())
        yield f"| {status} | {said if status != 502 else f'why the answer failed: {said}'} |"  # noqa: PLR2004 - of HTTP


DESCRIPTION = """\
Chat with the agents of this AgentOS, from a program.

Show an API token, as `Authorization: Bearer agentos_...`. It is made on the page Settings, API tokens; it acts as its owner, for as long
as it lasts, within the scopes that it was given. Each operation says which scope it needs.

A browser's session cookie works as well. A request that changes something is refused when another site made the browser send it (the
headers Origin and Sec-Fetch-Site decide), so no CSRF token is needed. With a token the cookie is ignored.

What you may do is what you may do in the browser, and shows there at once.

**Sending once.** Put an `Idempotency-Key` of your own on what creates something, and send it again as often as you must: it is done once.

**Pages.** Where an answer has `next`, ask again with `cursor=` and that, until it is null.

**Limits.** `RateLimit-Policy` and `RateLimit` say how often you may ask and how much of it is left. 429 says in `Retry-After` when to
come back.

**Errors.** Every error is `{"success": false, "error": "...", "response": null}` with a fitting status. Two headers go with it:
`X-Error-Code` names the error for programs, and `X-Request-ID` finds it in the server's log; one that you send is kept.

| status | X-Error-Code |
|---|---|
""" + "\n".join(_rows())


def document_of(api: NinjaAPI, path_prefix: str) -> OpenAPISchema:
    schema = get_schema(api, path_prefix)
    for methods in schema["paths"].values():
        for operation in methods.values():
            if scope := NEEDED[operation["operationId"]]:
                operation["security"][0]["BearerToken"] = [scope]
            for status, answer in operation["responses"].items():
                answer["headers"] = dict(_headers(status))
    return schema


def _headers(status: int) -> Iterator[tuple[str, Any]]:
    yield "X-Request-ID", _header("The name of this request in the server's log.", type="string")
    if status in CODES:
        yield "X-Error-Code", _header("The error's name for programs.", type="string", enum=list(CODES[status]))
    if status in {429, 503}:
        yield "Retry-After", _header("Seconds after which another try makes sense.", type="integer", minimum=1)
    if status in {201, 202}:
        yield "Location", _header("Where it is found again.", type="string")


def _header(description: str, **schema: Any) -> dict[str, Any]:
    return {"description": description, "schema": schema}
