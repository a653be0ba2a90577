"""Who may open what: every URL of the site x every person of the cast, in one table. A URL that is not in it fails."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from decimal import Decimal
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from agentos.access.actions import create_token
from agentos.access.invitations import invite
from agentos.access.models import Membership, User
from agentos.agents.actions import ask_for_access, keep_version, set_price
from agentos.agents.models import DjangoAgent
from agentos.api import sending
from agentos.audit.models import AuditRecord
from agentos.chat import actions
from agentos.chat.actions.budgets import set_budget
from agentos.chat.files import keep_made
from agentos.chat.models import ChatSession, Run
from agentos.chat.registry import registry
from agentos.connections import looking
from agentos.connections.models import Server
from agentos.files.keeping import keep_bytes
from agentos.files.uploading import begin
from agentos.knowledge.models import Document
from agentos.memories.actions import add_memory
from agentos.memories.models import Memory
from agentos.skills.actions import create_skill
from agentos.skills.document import composed
from tests.conftest import forget_caches
from tests.factories import (
    BaseFactory,
    CaseResultFactory,
    PriceFactory,
    RemoteToolFactory,
    RunFactory,
    UserFactory,
    WebhookEndpointFactory,
    WebhookEventFactory,
)
from tests.files import made
from tests.webhooks.outbound import make_delivery, make_endpoint

# The session and its run are the owner's; the agent is of the team that owner, member and suspended are in.
PEOPLE = ("anonymous", "suspended", "owner", "member", "stranger", "operator")
Row = tuple[int, int, int, int, int, int]

SIGN_IN, UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 302, 401, 403, 404


def everybody(status: int) -> Row:
    return (status, status, status, status, status, status)


def page(status: int) -> Row:
    """For whoever is signed in."""
    return (SIGN_IN, SIGN_IN, status, status, status, status)


def page_of_owner(status: int) -> Row:
    """Of an object that is the owner's alone: nobody else hears that it exists, operators neither."""
    return (SIGN_IN, SIGN_IN, status, NOT_FOUND, NOT_FOUND, NOT_FOUND)


def page_of_team(status: int) -> Row:
    return (SIGN_IN, SIGN_IN, status, status, NOT_FOUND, NOT_FOUND)


def page_of_operator(status: int) -> Row:
    return (SIGN_IN, SIGN_IN, FORBIDDEN, FORBIDDEN, FORBIDDEN, status)


def page_of_makers(status: int) -> Row:
    """Of an agent of the team: the team's owners and admins, and operators; whoever can use it may know that it is there."""
    return (SIGN_IN, SIGN_IN, status, FORBIDDEN, NOT_FOUND, status)


def page_of_managers(status: int) -> Row:
    """Of an object of the team: the team's owners and admins, but no plain member, and to others it is not there."""
    return (SIGN_IN, SIGN_IN, status, FORBIDDEN, NOT_FOUND, NOT_FOUND)


def api_of_managers_and_operators(status: int) -> Row:
    return (UNAUTHORIZED, UNAUTHORIZED, status, FORBIDDEN, NOT_FOUND, status)


def page_of_managers_and_operators(status: int) -> Row:
    return (SIGN_IN, SIGN_IN, status, FORBIDDEN, NOT_FOUND, status)


def stream_of_owner(status: int) -> Row:
    return (UNAUTHORIZED, UNAUTHORIZED, status, NOT_FOUND, NOT_FOUND, NOT_FOUND)


def api(status: int) -> Row:
    return (UNAUTHORIZED, UNAUTHORIZED, status, status, status, status)


def api_of_owner(status: int) -> Row:
    return (UNAUTHORIZED, UNAUTHORIZED, status, NOT_FOUND, NOT_FOUND, NOT_FOUND)


def api_of_team(status: int) -> Row:
    return (UNAUTHORIZED, UNAUTHORIZED, status, status, NOT_FOUND, NOT_FOUND)


def api_of_managers(status: int) -> Row:
    return (UNAUTHORIZED, UNAUTHORIZED, status, FORBIDDEN, NOT_FOUND, NOT_FOUND)


def api_of_readers(status: int) -> Row:
    """Of something of the team: all who are in it, and operators."""
    return (UNAUTHORIZED, UNAUTHORIZED, status, status, NOT_FOUND, status)


def page_of_readers(status: int) -> Row:
    return (SIGN_IN, SIGN_IN, status, status, NOT_FOUND, status)


def api_of_makers(status: int) -> Row:
    return (UNAUTHORIZED, UNAUTHORIZED, status, FORBIDDEN, NOT_FOUND, status)


# What is not in this table is not allowed: a GET or a POST without a row is answered with 405.
TABLE: dict[tuple[str, str], Row] = {
    ("account_login", "GET"): (200, 200, 302, 302, 302, 302),
    ("account_login", "POST"): (422, 422, 302, 302, 302, 302),
    ("account_logout", "POST"): everybody(302),
    ("mfa_authenticate", "GET"): everybody(302),  # for whoever has just given a right password
    ("mfa_authenticate", "POST"): everybody(302),
    ("mfa_login_webauthn", "GET"): (200, 200, 302, 302, 302, 302),
    ("mfa_login_webauthn", "POST"): (422, 422, 302, 302, 302, 302),  # without a passkey
    ("account_signup", "GET"): (403, 403, 302, 302, 302, 302),  # nobody was invited
    ("account_signup", "POST"): (403, 403, 302, 302, 302, 302),
    ("account_email_verification_sent", "GET"): everybody(200),
    ("account_confirm_email", "GET"): everybody(200),  # which says that the link does not work
    ("account_confirm_email", "POST"): everybody(404),
    ("account_reset_password", "GET"): everybody(200),
    ("account_reset_password", "POST"): everybody(422),
    ("account_reset_password_done", "GET"): everybody(200),
    ("account_reset_password_from_key", "GET"): everybody(200),  # which says that the link does not work
    ("account_reset_password_from_key", "POST"): everybody(422),
    ("account_reset_password_from_key_done", "GET"): everybody(200),
    ("socialaccount_signup", "GET"): everybody(302),
    ("socialaccount_signup", "POST"): everybody(302),
    ("openid_connect_login", "POST"): everybody(404),  # there is no such provider
    ("openid_connect_callback", "GET"): everybody(404),
    ("openid_connect_logout", "POST"): everybody(400),
    ("accounts:account", "GET"): page(200),
    ("accounts:end-session", "POST"): page_of_owner(303),
    ("accounts:end-others", "POST"): page(303),
    ("accounts:delete", "POST"): page(303),
    ("accounts:people", "GET"): page_of_operator(200),
    ("accounts:people", "POST"): page_of_operator(422),  # an empty form
    ("accounts:person", "GET"): page_of_operator(200),
    ("accounts:do", "POST"): page_of_operator(404),  # nothing that can be done
    ("accounts:revoke-invitation", "POST"): page_of_operator(303),
    ("accounts:providers", "GET"): page_of_operator(200),
    ("accounts:new-provider", "GET"): page_of_operator(200),
    ("accounts:new-provider", "POST"): page_of_operator(422),  # an empty form
    ("accounts:provider", "GET"): page_of_operator(404),  # there is no such provider
    ("accounts:provider", "POST"): page_of_operator(404),
    ("accounts:try-provider", "POST"): page_of_operator(404),
    ("accounts:delete-provider", "POST"): page_of_operator(404),
    ("accounts:add-group", "POST"): page_of_operator(404),
    ("accounts:remove-group", "POST"): page_of_operator(404),
    ("account_change_password", "GET"): page(200),
    ("account_change_password", "POST"): page(422),
    ("account_set_password", "GET"): page(302),  # who has one
    ("account_set_password", "POST"): page(302),
    ("account_email", "GET"): page(200),
    ("account_email", "POST"): page(302),
    ("account_reauthenticate", "GET"): page(200),
    ("account_reauthenticate", "POST"): page(422),
    ("mfa_reauthenticate", "GET"): page(302),  # who has no second factor
    ("mfa_reauthenticate", "POST"): page(302),
    ("mfa_reauthenticate_webauthn", "GET"): page(302),
    ("mfa_reauthenticate_webauthn", "POST"): page(302),
    ("mfa_index", "GET"): page(200),
    ("mfa_activate_totp", "GET"): page(302),  # who has not just said again who they are
    ("mfa_activate_totp", "POST"): page(302),
    ("mfa_deactivate_totp", "GET"): page(404),
    ("mfa_deactivate_totp", "POST"): page(404),
    ("mfa_view_recovery_codes", "GET"): page(404),
    ("mfa_generate_recovery_codes", "GET"): page(302),
    ("mfa_generate_recovery_codes", "POST"): page(302),
    ("mfa_add_webauthn", "GET"): page(302),
    ("mfa_add_webauthn", "POST"): page(302),
    ("mfa_remove_webauthn", "GET"): page(302),
    ("mfa_remove_webauthn", "POST"): page(302),
    ("socialaccount_connections", "GET"): page(200),
    ("socialaccount_connections", "POST"): page(422),
    ("dashboard:teams", "GET"): page(200),
    ("dashboard:teams", "POST"): page_of_operator(422),  # an empty form
    ("dashboard:team", "GET"): (SIGN_IN, SIGN_IN, 200, 200, NOT_FOUND, 200),
    ("dashboard:team", "POST"): page_of_managers_and_operators(422),  # an empty form
    ("dashboard:change-member", "POST"): page_of_managers_and_operators(303),
    ("dashboard:revoke-invitation", "POST"): page_of_managers_and_operators(303),
    ("dashboard:invitation", "GET"): everybody(410),  # of a link that does not work
    ("dashboard:invitation-here", "GET"): everybody(410),
    ("dashboard:invitation-here", "POST"): everybody(410),
    ("api:openapi-json", "GET"): everybody(200),
    ("api:agentos_api", "GET"): api(200),
    ("api:agentos_api", "POST"): api_of_owner(200),
    ("api:agentos_agents_api", "GET"): api(200),
    ("api:agentos_send_message", "POST"): api_of_owner(504),  # taken in; nothing answers in this test
    ("api:agentos_create_session", "POST"): api_of_team(200),
    ("api:agentos_sessions_api", "GET"): api(200),
    ("api:agentos_info_api", "GET"): api(200),
    ("api:agentos_me_api", "GET"): api(200),
    ("api:agentos_fastapi_app", "GET"): api(200),
    ("api:docs", "GET"): everybody(200),
    ("api:integrations", "GET"): everybody(200),
    ("api:agent", "GET"): api_of_team(200),
    ("api:agentos_sessions_api", "POST"): api_of_team(201),
    ("api:session", "GET"): api_of_owner(200),
    ("api:session", "PATCH"): api_of_owner(200),
    ("api:session", "DELETE"): api_of_owner(204),
    ("api:export_session", "GET"): api_of_owner(200),
    ("api:restore_session", "POST"): api_of_owner(200),
    ("api:fork_session", "POST"): api_of_owner(201),
    ("api:runs", "GET"): api_of_owner(200),
    ("api:runs", "POST"): api_of_owner(201),
    ("api:run", "GET"): api_of_owner(200),
    ("api:run_events", "GET"): api_of_owner(200),
    ("api:stop_run", "POST"): api_of_owner(200),
    ("api:retry_run", "POST"): api_of_owner(201),
    ("api:continue_run", "POST"): api_of_owner(409),
    ("api:edit_message", "POST"): api_of_owner(201),
    ("api:run_versions", "GET"): api_of_owner(200),
    ("api:choose_run", "POST"): api_of_owner(200),
    ("api:answer_run", "POST"): api_of_owner(409),
    ("api:files", "POST"): api(422),  # without a name
    ("api:uploads", "POST"): api(201),
    ("api:upload", "GET"): api_of_owner(200),
    ("api:upload", "DELETE"): api_of_owner(204),
    ("api:slice", "PUT"): api_of_owner(422),  # none of this file
    ("api:finish_upload", "POST"): api_of_owner(409),  # which has not arrived
    ("api:file", "GET"): api_of_owner(200),
    ("api:file", "DELETE"): api_of_owner(404),  # it was sent
    ("api:file_content", "GET"): api_of_owner(200),
    ("api:file_transcript", "POST"): api_of_owner(409),  # there is nothing to hear in it
    ("api:feedback", "PUT"): api_of_owner(200),
    ("api:feedback", "DELETE"): api_of_owner(204),
    ("api:usage", "GET"): api(200),
    ("api:all_usage", "GET"): (UNAUTHORIZED, UNAUTHORIZED, FORBIDDEN, FORBIDDEN, FORBIDDEN, 200),
    ("api:team_usage", "GET"): api_of_managers_and_operators(200),
    ("api:teams", "GET"): api(200),
    ("api:team_people", "GET"): api_of_readers(200),
    ("api:team_person", "PATCH"): (UNAUTHORIZED, UNAUTHORIZED, 409, FORBIDDEN, NOT_FOUND, 409),  # the last owner
    ("api:team_person", "DELETE"): (UNAUTHORIZED, UNAUTHORIZED, 409, FORBIDDEN, NOT_FOUND, 409),
    ("api:invitations", "GET"): api_of_managers_and_operators(200),
    ("api:invitations", "POST"): api_of_managers_and_operators(201),
    ("api:invitation", "GET"): api_of_managers_and_operators(200),
    ("api:invitation", "DELETE"): api_of_managers_and_operators(204),
    ("api:webhooks", "GET"): api(200),
    ("api:webhooks", "POST"): api_of_managers(201),
    ("api:webhook_events", "GET"): api(200),
    ("api:access_requests", "GET"): api(200),
    ("api:access_requests", "POST"): (UNAUTHORIZED, UNAUTHORIZED, 409, 409, 201, 201),  # of those who have the agent nobody has to ask
    ("api:grant_access", "POST"): (UNAUTHORIZED, UNAUTHORIZED, 204, NOT_FOUND, NOT_FOUND, 204),  # owners of the team, and operators
    ("api:decline_access", "POST"): (UNAUTHORIZED, UNAUTHORIZED, 204, NOT_FOUND, NOT_FOUND, 204),
    ("api:models", "GET"): (UNAUTHORIZED, UNAUTHORIZED, 200, FORBIDDEN, FORBIDDEN, 200),  # of who makes agents
    ("api:made_agents", "GET"): api(200),
    ("api:made_agents", "POST"): (UNAUTHORIZED, UNAUTHORIZED, 201, FORBIDDEN, FORBIDDEN, 201),
    ("api:made_agent", "GET"): api_of_makers(200),
    ("api:made_agent", "DELETE"): api_of_makers(409),  # it was published
    ("api:draft", "PATCH"): api_of_makers(200),
    ("api:draft", "DELETE"): api_of_makers(200),
    ("api:publish_agent", "POST"): api_of_makers(409),  # nothing is new
    ("api:activate_agent", "POST"): api_of_makers(200),
    ("api:deactivate_agent", "POST"): api_of_makers(200),
    ("api:agent_versions", "GET"): api_of_makers(200),
    ("api:agent_version", "GET"): api_of_makers(200),
    ("api:restore_version", "POST"): api_of_makers(201),
    ("api:try_agent", "POST"): api_of_makers(422),  # with nothing to say
    ("api:making_teams", "GET"): api(200),
    ("api:making_team", "PATCH"): (UNAUTHORIZED, UNAUTHORIZED, 200, NOT_FOUND, NOT_FOUND, 200),
    ("api:sharing", "PUT"): api_of_makers(200),
    ("api:copy_agent", "POST"): api_of_makers(201),
    ("api:agent_file", "GET"): api_of_makers(200),
    ("api:agent_files", "POST"): (UNAUTHORIZED, UNAUTHORIZED, 422, FORBIDDEN, FORBIDDEN, 422),  # an empty file
    ("api:tests", "GET"): api_of_makers(200),
    ("api:tests", "POST"): api_of_makers(201),
    ("api:run_tests", "POST"): api_of_makers(201),
    ("api:stop_tests", "POST"): api_of_makers(200),
    ("api:test_results", "GET"): api_of_makers(200),
    ("api:test", "GET"): api_of_makers(200),
    ("api:test", "PATCH"): api_of_makers(200),
    ("api:test", "DELETE"): api_of_makers(204),
    ("api:webhook", "GET"): api_of_managers(200),
    ("api:webhook", "PATCH"): api_of_managers(200),
    ("api:webhook", "DELETE"): api_of_managers(204),
    ("api:rotate_webhook_secret", "POST"): api_of_managers(200),
    ("api:try_webhook", "POST"): api_of_managers(201),
    ("api:deliveries", "GET"): api_of_managers(200),
    ("api:connections", "GET"): api(200),
    ("api:connections", "POST"): (UNAUTHORIZED, UNAUTHORIZED, 201, FORBIDDEN, NOT_FOUND, NOT_FOUND),
    ("api:connection", "GET"): api_of_managers_and_operators(200),
    ("api:connection", "PATCH"): api_of_managers_and_operators(200),
    ("api:connection", "DELETE"): api_of_managers_and_operators(204),
    ("api:refresh_connection", "POST"): api_of_managers_and_operators(200),
    ("api:connection_tools", "PATCH"): api_of_managers_and_operators(200),
    ("api:memories", "GET"): api(200),
    ("api:memories", "POST"): api_of_team(201),
    ("api:memories", "PATCH"): api(200),
    ("api:memory", "GET"): api_of_owner(200),
    ("api:memory", "PATCH"): api_of_owner(200),
    ("api:memory", "DELETE"): api_of_owner(204),
    ("api:delivery", "GET"): api_of_managers(200),
    ("api:send_delivery_again", "POST"): api_of_managers(200),
    # Only a token opens these, and a cookie is not even looked at (tests/api/openai).
    ("openai:api-root", "GET"): everybody(404),
    ("openai:api-root", "POST"): everybody(404),
    ("openai:openapi-json", "GET"): everybody(200),
    ("openai:models", "GET"): everybody(401),
    ("openai:model", "GET"): everybody(401),
    ("openai:completions", "POST"): everybody(401),
    ("openai:responses", "POST"): everybody(401),
    ("openai:response", "GET"): everybody(401),
    ("openai:response", "DELETE"): everybody(401),
    ("openai:cancel_response", "POST"): everybody(401),
    ("openai:input_items", "GET"): everybody(401),
    ("billing:events", "POST"): everybody(404),  # without a key of Stripe's; with one: tests/billing
    ("billing:plans", "GET"): page(200),
    ("billing:subscribe", "POST"): page(404),  # no price: tests/billing/test_plans.py
    ("billing:paid", "GET"): page(303),  # which says nothing without what was paid
    ("billing:portal", "POST"): page(404),  # who has never paid
    ("billing:prices", "GET"): page_of_operator(200),
    ("billing:prices", "POST"): page_of_operator(422),  # an empty form
    ("billing:switch-price", "POST"): page_of_operator(303),
    ("webhooks:agentos_webhook", "POST"): everybody(200),
    ("webhooks:receive", "POST"): everybody(401),  # without a signature
    ("inbox:events", "GET"): page_of_operator(200),
    ("inbox:event", "GET"): page_of_operator(200),
    ("inbox:replay", "POST"): page_of_operator(303),
    ("inbox:stop", "POST"): page_of_operator(409),  # this event started no run
    ("inbox:answer", "POST"): page_of_operator(409),
    ("inbox:endpoints", "GET"): page_of_operator(200),
    ("inbox:new-endpoint", "GET"): page_of_operator(200),
    ("inbox:new-endpoint", "POST"): page_of_operator(422),  # an empty form
    ("inbox:endpoint", "GET"): page_of_operator(200),
    ("inbox:endpoint", "POST"): page_of_operator(422),
    ("inbox:try", "POST"): page_of_operator(422),
    ("inbox:reveal", "POST"): page_of_operator(200),
    ("inbox:rotate", "POST"): page_of_operator(422),
    ("inbox:switch", "POST"): page_of_operator(303),
    ("inbox:delete", "POST"): page_of_operator(303),
    ("operations:set-up", "GET"): everybody(404),  # without its link there is nothing
    ("operations:set-up", "POST"): everybody(404),
    ("site:root", "GET"): page(302),
    ("site:root", "POST"): page(302),
    ("dashboard:home", "GET"): page(200),
    ("dashboard:agents", "GET"): page(200),
    ("dashboard:new-chat", "GET"): page(302),
    ("dashboard:chat", "GET"): (SIGN_IN, SIGN_IN, 200, 200, FORBIDDEN, FORBIDDEN),  # to others the page says what opens it
    ("dashboard:ask-access", "POST"): page(303),
    ("dashboard:pin-agent", "POST"): page_of_team(303),
    ("dashboard:own-agent", "POST"): page_of_team(303),
    ("dashboard:allow-personal", "POST"): (SIGN_IN, SIGN_IN, 303, NOT_FOUND, NOT_FOUND, 303),
    ("dashboard:access-requests", "GET"): page(200),
    ("dashboard:decide-access", "POST"): (SIGN_IN, SIGN_IN, 303, NOT_FOUND, NOT_FOUND, 303),  # owners of the team, and operators
    ("dashboard:chat", "POST"): page_of_team(303),
    ("dashboard:session", "GET"): page_of_owner(200),
    ("dashboard:session", "POST"): page_of_owner(303),
    ("dashboard:turns", "GET"): page_of_owner(302),
    ("dashboard:manage", "GET"): page_of_owner(200),
    ("dashboard:rename", "POST"): page_of_owner(303),
    ("dashboard:pin", "POST"): page_of_owner(303),
    ("dashboard:export", "GET"): page_of_owner(200),
    ("dashboard:archive", "POST"): page_of_owner(303),
    ("dashboard:revoke-approval", "POST"): page_of_owner(302),
    ("dashboard:delete", "POST"): page_of_owner(303),
    ("dashboard:restore", "POST"): page_of_owner(303),
    ("dashboard:sessions", "GET"): page(200),
    ("dashboard:older-sessions", "GET"): page(302),
    ("dashboard:deleted-sessions", "GET"): page(200),
    ("dashboard:import-chats", "GET"): page(200),
    ("dashboard:import-chats", "POST"): page(422),  # without a file
    ("dashboard:import-file", "GET"): page(303),  # a file of a chat, which was not given for that
    ("dashboard:import-file", "POST"): page(303),
    ("api:imports", "POST"): (UNAUTHORIZED, UNAUTHORIZED, 422, NOT_FOUND, NOT_FOUND, NOT_FOUND),  # a picture
    ("dashboard:retry", "POST"): page_of_owner(303),
    ("dashboard:stop", "POST"): page_of_owner(303),
    ("dashboard:continue", "POST"): page_of_owner(409),  # this run has ended as it should: the owner hears why not
    ("dashboard:answer", "POST"): page_of_owner(409),
    ("dashboard:feedback", "POST"): page_of_owner(303),
    ("dashboard:fork", "POST"): page_of_owner(303),
    ("dashboard:edit", "POST"): page_of_owner(303),
    ("dashboard:palette", "GET"): page(302),  # without htmx: the search that there is
    ("dashboard:shortcuts", "GET"): page(200),
    ("dashboard:version", "POST"): page_of_owner(303),
    ("dashboard:file", "GET"): page_of_owner(200),
    ("dashboard:begin-upload", "GET"): page(200),  # the words of its script
    ("dashboard:begin-upload", "POST"): page(404),  # without a place
    ("dashboard:upload", "DELETE"): page(204),  # of which nothing is left, or that is somebody else's
    ("dashboard:slice", "PUT"): page_of_owner(422),  # none of this file
    ("dashboard:finish-upload", "POST"): page_of_owner(404),  # without a place
    ("dashboard:attachment", "GET"): page_of_owner(200),
    ("dashboard:thumb", "GET"): page_of_owner(200),
    ("dashboard:voice", "GET"): page(200),
    ("dashboard:speech", "POST"): page(422),  # of nothing
    ("dashboard:recording-words", "POST"): page_of_owner(409),
    ("dashboard:remove-file", "POST"): page_of_owner(404),  # it was sent
    ("dashboard:live", "GET"): stream_of_owner(200),
    ("dashboard:workshop", "GET"): (SIGN_IN, SIGN_IN, 200, FORBIDDEN, FORBIDDEN, 200),
    ("dashboard:new-agent", "GET"): (SIGN_IN, SIGN_IN, 200, FORBIDDEN, FORBIDDEN, 200),
    ("dashboard:new-agent", "POST"): (SIGN_IN, SIGN_IN, 303, FORBIDDEN, FORBIDDEN, 303),
    ("dashboard:gallery", "GET"): (SIGN_IN, SIGN_IN, 200, FORBIDDEN, FORBIDDEN, 200),
    ("dashboard:gallery", "POST"): (SIGN_IN, SIGN_IN, 404, FORBIDDEN, FORBIDDEN, 404),  # without naming one
    ("dashboard:import-agent", "POST"): (SIGN_IN, SIGN_IN, 422, FORBIDDEN, FORBIDDEN, 422),  # without a file
    ("dashboard:copy-agent", "POST"): page_of_makers(303),
    ("dashboard:export-agent", "GET"): page_of_makers(200),
    ("dashboard:edit-agent", "GET"): page_of_makers(200),
    ("dashboard:edit-agent", "POST"): page_of_makers(303),
    ("dashboard:preview-agent", "POST"): page_of_makers(200),
    ("dashboard:arrange-members", "POST"): page_of_makers(200),
    ("dashboard:discard-draft", "POST"): page_of_makers(303),
    ("dashboard:publish-agent", "GET"): page_of_makers(200),
    ("dashboard:publish-agent", "POST"): page_of_makers(409),  # nothing is new
    ("dashboard:agent-versions", "GET"): page_of_makers(200),
    ("dashboard:agent-version", "GET"): page_of_makers(200),
    ("dashboard:restore-version", "POST"): page_of_makers(303),
    ("dashboard:try-agent", "POST"): page_of_makers(422),  # with no message
    ("dashboard:stop-trial", "POST"): page_of_makers(303),
    ("dashboard:answer-trial", "POST"): (SIGN_IN, SIGN_IN, NOT_FOUND, FORBIDDEN, NOT_FOUND, NOT_FOUND),  # this run is no trial
    ("dashboard:suggest", "POST"): page_of_makers(502),  # nothing answers in this test
    ("dashboard:agent-tests", "GET"): page_of_makers(200),
    ("dashboard:new-test", "GET"): page_of_makers(200),
    ("dashboard:new-test", "POST"): page_of_makers(303),
    ("dashboard:run-tests", "POST"): page_of_makers(303),
    ("dashboard:stop-tests", "POST"): page_of_makers(303),
    ("dashboard:agent-test", "GET"): page_of_makers(200),
    ("dashboard:agent-test", "POST"): page_of_makers(303),
    ("dashboard:delete-test", "POST"): page_of_makers(303),
    ("dashboard:test-result", "GET"): page_of_makers(200),
    ("dashboard:share-agent", "GET"): page_of_makers(200),
    ("dashboard:share-agent", "POST"): (SIGN_IN, SIGN_IN, FORBIDDEN, FORBIDDEN, NOT_FOUND, 303),  # with no team
    ("dashboard:switch-agent", "POST"): page_of_makers(303),
    ("dashboard:delete-agent", "POST"): page_of_makers(303),
    ("api:knowledge", "GET"): api(200),
    ("api:knowledge", "POST"): api(201),
    ("api:base", "GET"): api_of_readers(200),
    ("api:base", "PATCH"): api_of_makers(200),
    ("api:base", "DELETE"): api_of_makers(204),
    ("api:documents", "GET"): api_of_readers(200),
    ("api:documents", "POST"): api_of_makers(201),
    ("api:base_files", "POST"): api(422),  # without a name
    ("api:document", "GET"): api_of_readers(200),
    ("api:document", "DELETE"): api_of_makers(204),
    ("api:try_document_again", "POST"): api_of_makers(200),
    ("api:search_base", "POST"): api_of_readers(200),
    ("dashboard:knowledge", "GET"): page(200),
    ("dashboard:new-base", "GET"): page(200),
    ("dashboard:new-base", "POST"): page(422),  # an empty form
    ("dashboard:base", "GET"): page_of_readers(200),
    ("dashboard:base", "POST"): page_of_makers(422),  # an empty form
    ("dashboard:add-knowledge", "POST"): page_of_makers(422),  # without a file
    ("dashboard:try-base-again", "POST"): page_of_makers(303),
    ("dashboard:delete-base", "POST"): page_of_makers(303),
    ("dashboard:begin-knowledge", "POST"): page_of_makers(201),
    ("dashboard:knowledge-upload", "POST"): (SIGN_IN, SIGN_IN, 409, FORBIDDEN, NOT_FOUND, NOT_FOUND),  # the owner's, and not all here
    ("dashboard:knowledge-upload", "DELETE"): page_of_makers(204),
    ("dashboard:knowledge-slice", "PUT"): (SIGN_IN, SIGN_IN, 422, FORBIDDEN, NOT_FOUND, NOT_FOUND),  # a slice of nothing
    ("dashboard:document", "GET"): page_of_readers(200),
    ("dashboard:try-document-again", "POST"): page_of_makers(303),
    ("dashboard:delete-document", "POST"): page_of_makers(303),
    ("dashboard:bring-bases", "POST"): page_of_owner(302),
    ("api:skills", "GET"): api(200),
    ("api:skills", "POST"): (UNAUTHORIZED, UNAUTHORIZED, 201, FORBIDDEN, FORBIDDEN, 201),
    ("api:skill", "GET"): api_of_makers(200),
    ("api:skill", "PATCH"): api_of_makers(200),
    ("api:skill", "DELETE"): api_of_makers(204),
    ("api:skill_file", "GET"): api_of_makers(200),
    ("api:skill_versions", "GET"): api_of_makers(200),
    ("api:skill_version", "GET"): api_of_makers(200),
    ("api:restore_skill", "POST"): api_of_makers(409),  # it is what it was
    ("dashboard:skills", "GET"): (SIGN_IN, SIGN_IN, 200, FORBIDDEN, FORBIDDEN, 200),
    ("dashboard:new-skill", "GET"): (SIGN_IN, SIGN_IN, 200, FORBIDDEN, FORBIDDEN, 200),
    ("dashboard:new-skill", "POST"): (SIGN_IN, SIGN_IN, 422, FORBIDDEN, FORBIDDEN, 422),  # an empty form
    ("dashboard:import-skills", "POST"): (SIGN_IN, SIGN_IN, 422, FORBIDDEN, FORBIDDEN, 422),  # without a file
    ("dashboard:skill", "GET"): page_of_makers(200),
    ("dashboard:skill", "POST"): page_of_makers(303),
    ("dashboard:replace-skill", "POST"): page_of_makers(422),  # without a file
    ("dashboard:export-skill", "GET"): page_of_makers(200),
    ("dashboard:skill-file", "GET"): page_of_makers(200),
    ("dashboard:share-skill", "POST"): page_of_makers(303),
    ("dashboard:delete-skill", "POST"): page_of_makers(303),
    ("dashboard:skill-versions", "GET"): page_of_makers(200),
    ("dashboard:skill-version", "GET"): page_of_makers(200),
    ("dashboard:restore-skill", "POST"): page_of_makers(303),
    ("webhooks_out:endpoints", "GET"): page(200),
    ("webhooks_out:endpoints", "POST"): (SIGN_IN, SIGN_IN, 422, FORBIDDEN, FORBIDDEN, FORBIDDEN),  # an empty form
    ("webhooks_out:endpoint", "GET"): page_of_managers(200),
    ("webhooks_out:endpoint", "POST"): page_of_managers(422),
    ("webhooks_out:reveal", "POST"): page_of_managers(200),
    ("webhooks_out:rotate", "POST"): page_of_managers(303),
    ("webhooks_out:switch", "POST"): page_of_managers(303),
    ("webhooks_out:delete", "POST"): page_of_managers(303),
    ("webhooks_out:test", "POST"): page_of_managers(303),
    ("webhooks_out:delivery", "GET"): page_of_managers(200),
    ("webhooks_out:again", "POST"): page_of_managers(303),
    ("dashboard:connections", "GET"): page(200),
    ("dashboard:connections", "POST"): (SIGN_IN, SIGN_IN, 422, FORBIDDEN, FORBIDDEN, 422),  # an empty form
    ("dashboard:connection", "GET"): page_of_managers_and_operators(200),
    ("dashboard:connection", "POST"): page_of_managers_and_operators(422),
    ("dashboard:refresh-connection", "POST"): page_of_managers_and_operators(303),
    ("dashboard:accept-tools", "POST"): page_of_managers_and_operators(303),
    ("dashboard:tool-policies", "POST"): page_of_managers_and_operators(303),
    ("dashboard:switch-connection", "POST"): page_of_managers_and_operators(303),
    ("dashboard:delete-connection", "POST"): page_of_managers_and_operators(303),
    # Whoever may use an agent that has it gives their own key.
    ("dashboard:connect", "GET"): (SIGN_IN, SIGN_IN, 200, 200, NOT_FOUND, 200),
    ("dashboard:connect", "POST"): (SIGN_IN, SIGN_IN, 303, 303, NOT_FOUND, 303),
    ("dashboard:came-back", "GET"): page(404),  # this one wants keys; of one where people sign in: tests/connections/test_signing_in.py
    ("dashboard:disconnect", "POST"): (SIGN_IN, SIGN_IN, 303, 303, NOT_FOUND, 303),
    ("dashboard:memories", "GET"): page(200),
    ("dashboard:memories", "POST"): page(422),  # an empty form
    ("dashboard:switch-memory", "POST"): page(303),
    ("dashboard:export-memories", "GET"): page(200),
    ("dashboard:delete-memories", "POST"): page(303),
    ("dashboard:memory", "GET"): page_of_owner(200),
    ("dashboard:memory", "POST"): page_of_owner(422),
    ("dashboard:delete-memory", "POST"): page_of_owner(303),
    ("dashboard:undo-memory", "POST"): page_of_owner(303),
    ("dashboard:models", "GET"): page_of_operator(200),
    ("dashboard:set-price", "POST"): page_of_operator(422),  # an empty form
    ("dashboard:delete-price", "POST"): page_of_operator(303),
    ("dashboard:settings", "GET"): page(302),
    ("dashboard:person", "GET"): page(200),
    ("dashboard:person", "POST"): page(303),
    ("dashboard:theme", "POST"): page(204),
    ("dashboard:picture", "GET"): page(404),  # who has none
    ("dashboard:picture", "POST"): page(422),  # without one
    ("dashboard:tokens", "GET"): page(200),
    ("dashboard:usage", "GET"): page(200),
    ("installation:installation", "GET"): page_of_operator(200),
    ("dashboard:budgets", "GET"): page_of_operator(200),
    ("dashboard:budgets", "POST"): page_of_operator(422),  # an empty form
    ("dashboard:delete-budget", "POST"): page_of_operator(303),
    ("dashboard:all-plans", "GET"): page_of_operator(200),
    ("dashboard:new-plan", "GET"): page_of_operator(200),
    ("dashboard:new-plan", "POST"): page_of_operator(422),  # an empty form
    ("dashboard:edit-plan", "GET"): page_of_operator(200),
    ("dashboard:edit-plan", "POST"): page_of_operator(422),
    ("dashboard:delete-plan", "POST"): page_of_operator(303),
    ("dashboard:all-usage", "GET"): page_of_operator(200),
    ("dashboard:team-usage", "GET"): page_of_managers_and_operators(200),
    ("dashboard:tokens", "POST"): page(201),
    ("dashboard:revoke-token", "POST"): page_of_owner(303),
}
BODIES: dict[str, dict[str, Any]] = {
    "api:agentos_api": {"action": "session", "session_id": "SESSION"},
    "api:agentos_send_message": {"message": "Hi", "session_id": "SESSION"},
    "api:agentos_create_session": {"agent_id": "AGENT"},
    "api:access_requests": {"agent_id": "AGENT"},
    "api:agentos_sessions_api": {"agent_id": "AGENT"},
    "api:session": {"title": "Renamed"},
    "api:imports": {"file": "FILE", "preview": True},
    "api:fork_session": {},
    "api:runs": {"message": "Hi"},
    "api:edit_message": {"message": "Hi"},
    "api:answer_run": {"answers": []},
    "api:feedback": {"value": "good"},
    "api:uploads": {"name": "a.txt", "size": 5},
    "api:made_agents": {"name": "Letter Helper", "team": "TEAM"},
    "api:draft": {"blueprint": {"description": "New."}},
    "api:publish_agent": {},
    "api:restore_version": {},
    "api:try_agent": {"message": " "},
    "api:making_team": {"personal_agents": True},
    "api:sharing": {"team": "TEAM"},
    "api:copy_agent": {"team": "TEAM"},
    "api:agent_files": {"file": {}, "team": "TEAM"},
    "api:tests": {"message": "Hi"},
    "api:run_tests": {},
    "api:test": {"criterion": "Is kind."},
    "api:team_person": {"role": "member"},
    "api:invitations": {"email": "nils@example.com"},
    "api:webhooks": {"team": "TEAM", "name": "CRM", "url": "https://crm.example/in", "events": ["run.failed"]},
    "api:webhook": {"name": "Renamed"},
    "api:connections": {"team": "TEAM", "name": "CRM", "url": "https://crm.example/mcp"},
    "api:connection": {"name": "Renamed"},
    "api:connection_tools": {"policies": {}},
    "api:memories": {"text": "Likes tea.", "agent_id": "AGENT", "enabled": True},
    "api:memory": {"text": "Likes green tea."},
    "api:knowledge": {"name": "Rules"},
    "api:base": {"description": "What holds."},
    "api:documents": {"text": "Be kind."},
    "api:search_base": {"question": "kind"},
    "api:skills": {"name": "letters", "description": "How letters are written.", "body": "Be brief."},
    "api:skill": {"body": "Be brief."},
    "webhooks:agentos_webhook": {"event": "ping"},
}
FORMS: dict[str, dict[str, str]] = {
    "account_login": {"username": "nobody@example.com", "password": "wrong"},
    "dashboard:chat": {"message": "Hi"},
    "dashboard:new-agent": {"name": "Letter Helper"},
    "dashboard:edit-agent": {"name": "Renamed", "stamp": "1-0"},
    "dashboard:publish-agent": {"stamp": "1-0"},
    "dashboard:skill": {"name": "voice", "description": "How we write.", "body": "Be brief.", "base": "1"},
    "dashboard:begin-knowledge": {"name": "a.md", "size": "3"},
    "dashboard:suggest": {"name": "Renamed", "model": "scripted:5x0"},
    "dashboard:new-test": {"message": "Hi"},
    "dashboard:agent-test": {"message": "Hi"},
    "dashboard:session": {"message": "Hi"},
    "dashboard:edit": {"message": "Hi again"},
    "dashboard:version": {"version": "1"},
    "dashboard:feedback": {"value": "up"},
    "dashboard:rename": {"title": "Renamed"},
    "dashboard:pin": {"pinned": "1"},
    "dashboard:archive": {"archived": "1"},
    "dashboard:revoke-approval": {"tool": "multiply"},
    "dashboard:person": {"name": "Renamed", "theme": "dark", "spoken": "done"},
    "dashboard:theme": {"theme": "dark"},
    "dashboard:connect": {"key": "secret"},
    "dashboard:tokens": {"name": "Laptop", "scopes": "agents:read", "days": "7"},
}
QUERIES: dict[str, str] = {"dashboard:live": "?session=SESSION", "dashboard:skill-file": "?path=a.md", "api:skill_file": "?path=a.md"}
NOT_JSON = {"api:file_content", "api:docs", "api:integrations", "api:run_events"}
HARMLESS = {"api:agentos_api", "site:root", "account_login", "account_logout", "webhooks:agentos_webhook"}


def routes(patterns: Any = None, namespace: str = "", path: str = "") -> Iterator[tuple[str, str]]:
    """Yield name and pattern of every URL of the site."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        where = path + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, namespace + (f"{pattern.namespace}:" if pattern.namespace else ""), where)
        elif isinstance(pattern, URLPattern):
            yield f"{namespace}{pattern.name}", where


def reachable() -> dict[str, str]:
    """Return the pattern of every URL by its name, without those that an earlier one hides."""
    found: dict[str, str] = {}
    for name, pattern in routes():
        if pattern not in found.values() and not name.startswith("admin:"):
            found[name] = pattern
    return found


MADE_A_FILE = {
    "status": "finished",
    "result": "Made.",
    "seconds": 0.1,
    "shown": {"kind": "file", "name": "a.ics", "type": "text/calendar", "text": "BEGIN:VCALENDAR"},
}


NOTED = {"kind": "memory", "did": "remembered", "number": 1, "text": "Likes tea.", "agent": ""}
REMEMBERED = {"status": "finished", "result": "Remembered.", "seconds": 0.1, "shown": NOTED}


def room_of(name: str) -> str:
    return name.partition(":")[0] if ":" in name else "site"


class World:
    """The objects that the table is about, and the way to every URL."""

    def __init__(self, owner: User, agent: DjangoAgent) -> None:
        self.answers: list[HttpResponseBase] = []
        self.session = actions.create_session(agent=agent, by=owner)
        parts = [{"kind": "tool", "call_id": "1", "name": "f", "args": {}, **more} for more in (MADE_A_FILE, REMEMBERED)]
        self.run = RunFactory(session=self.session, parts=parts)
        self.names: dict[str, Any] = {"SESSION": self.session.session_id, "AGENT": agent.agent_id, "TEAM": agent.team_id}
        self.arguments = {
            "form": "md",
            "session_id": self.session.session_id,
            "run_id": self.run.run_id,
            "agent_id": agent.agent_id,
            "team_id": str(agent.team_id),
            "index": "0",
            "part": "starters",
            "place": "1",
            "response_id": "resp_1",
            "key": "x",
            "uidb36": "1",
            "pk": "1",
            "provider_id": "nobody",
            "group_id": "1",
            "token": "nothing",
            "number": "1",
        }
        assert agent.team
        invitation, _link = invite(email="nora@example.com", team=agent.team, by=owner)
        self.arguments |= {"team_id": str(agent.team_id), "invitation_id": str(invitation.pk)}
        self.arguments["membership_id"] = str(Membership.objects.get(team=agent.team, user=owner).pk)
        self.arguments["user_pk"] = self.arguments["person_id"] = str(owner.pk)
        signed_in = UserSession.objects.create(user=owner, session_key="somewhere", ip="192.0.2.7", user_agent="")
        self.arguments["session_pk"] = str(signed_in.pk)
        picture = keep_bytes(owner=owner, data=made.picture(), name="a.jpg")
        file = keep_made(run=self.run, blob=picture, name="a.jpg", origin="tool")
        upload = begin(by=owner, name="a.txt", size=5)
        self.arguments |= {"file_id": file.file_id, "upload_id": upload.upload_id}
        self.names["FILE"] = file.file_id
        add_memory(text="Likes tea.", agent=None, by=owner)
        keep_version(agent=agent, by=None)
        event = WebhookEventFactory(endpoint=WebhookEndpointFactory(), is_verified=True, message_id="msg_1", body="{}")
        self.arguments |= {"endpoint_id": event.endpoint.endpoint_id, "event_id": str(event.pk)}
        sent = make_delivery(make_endpoint(agent.team))
        self.arguments |= {"hook_id": sent.endpoint.hook_id, "message_id": sent.message_id}
        tool = RemoteToolFactory(server__team=agent.team, server__auth="member_key")
        self.arguments["slug"] = tool.server.slug
        agent.tools = [*agent.tools, tool.slug]
        agent.save()
        document = composed(name="voice", description="How we write.", body="Be kind.")
        skill = create_skill(document=document, team=agent.team, files={"a.md": b"A"}, by=owner)
        self.arguments["skill_id"] = str(skill.pk)
        base = BaseFactory(team=agent.team)
        written = Document.objects.create(base=base, title="rules.md", source="text", status="failed", by=owner)
        self.arguments |= {"base_id": str(base.pk), "document_id": str(written.pk)}
        result = CaseResultFactory(case__agent=agent, outcome="passed", round__status="done")
        self.arguments |= {"test_id": str(result.case.pk), "result_id": str(result.pk)}
        self.arguments["budget_id"] = str(set_budget(of="site", micro_a_month=10**12, by=None).pk)
        self.arguments["price_id"] = str(set_price(model="openai:gpt-4.1", read=Decimal(1), written=Decimal(2), by=None).pk)
        price = PriceFactory()
        self.arguments |= {"offer_id": str(price.pk), "plan_id": str(price.plan_id)}
        self.arguments["request_id"] = str(ask_for_access(agent=agent, by=UserFactory()).pk)
        self.arguments["token_id"] = str(create_token(by=owner, name="Owner's", scopes=["agents:read"])[0].pk)

    def url(self, name: str) -> str:
        pattern = reachable()[name]
        arguments = {key: value for key, value in self.arguments.items() if f":{key}>" in pattern or f"<{key}>" in pattern}
        return reverse(name, kwargs=arguments) + QUERIES.get(name, "").replace("SESSION", self.names["SESSION"])

    def call(self, client: Client, name: str, method: str, **headers: str) -> HttpResponseBase:
        if name in BODIES and method in {"POST", "PUT", "PATCH"}:
            body = {key: self.names.get(value, value) if isinstance(value, str) else value for key, value in BODIES[name].items()}
            return client.generic(method, self.url(name), json.dumps(body), content_type="application/json", headers=headers)
        return self.post(client, name, headers) if method == "POST" else client.generic(method, self.url(name), headers=headers)

    def post(self, client: Client, name: str, headers: dict[str, str]) -> HttpResponseBase:
        return client.post(self.url(name), FORMS.get(name, {}), headers=headers)


async def look_at_nothing(server: Server, *, by: User) -> str:
    """For the table, in which no other system is asked."""
    return ""


@pytest.fixture
def world(owner: User, team_agent: DjangoAgent, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    settings.AGENTOS_RUN_TIMEOUT = 0
    settings.AGENTOS_STRIPE_KEY = "sk_test_of_nobody"  # without one the pages of plans are not there
    monkeypatch.setattr(sending, "MARGIN", 0.0)
    monkeypatch.setattr(looking, "look", look_at_nothing)
    world = World(owner, team_agent)
    yield world
    for answer in world.answers:
        answer.close()  # which closes the database, too
    for stream in list(registry.streams):  # opened by a GET that nobody read to its end
        registry.close(stream)


@pytest.fixture
def client_of(request: pytest.FixtureRequest) -> Callable[[str], Client]:
    def client_of(person: str) -> Client:
        client: Client = request.getfixturevalue("anonymous" if person == "anonymous" else f"as_{person}")
        return client

    return client_of


def content() -> list[Any]:
    """Return all that a request could have changed for somebody else."""
    sessions = ChatSession.objects.order_by("pk").values()
    runs = Run.objects.order_by("pk").values()
    return [*sessions, *runs, *Memory.objects.order_by("pk").values(), AuditRecord.objects.count()]


@contextmanager
def undone() -> Iterator[None]:
    """Take back what is written in it, so that the next person finds the same world."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    forget_caches()


class TestEveryUrl:
    def test_is_in_the_table(self) -> None:
        assert set(reachable()) == {name for name, _ in TABLE}

    @pytest.mark.django_db
    @pytest.mark.parametrize("room", sorted({room_of(name) for name, _ in TABLE}))
    def test_answers_each_person_as_the_table_says(
        self, world: World, client_of: Callable[[str], Client], subtests: pytest.Subtests, room: str
    ) -> None:
        clients = {person: client_of(person) for person in PEOPLE}
        for name, method in (key for key in TABLE if room_of(key[0]) == room):
            with subtests.test(name=name, method=method):
                found = {person: self.status_for(person, client, world, name, method) for person, client in clients.items()}
                assert found == dict(zip(PEOPLE, TABLE[name, method], strict=True))

    def status_for(self, person: str, client: Client, world: World, name: str, method: str) -> int:
        cookies = copy(client.cookies)
        with undone():
            answer = self.answer_to(person, client, world, name, method)
        client.cookies = cookies  # who signed out in it is signed in again
        world.answers.append(answer)
        return answer.status_code

    def answer_to(self, person: str, client: Client, world: World, name: str, method: str) -> HttpResponseBase:
        if name == "dashboard:restore" and method == "POST":
            actions.delete_session(session=ChatSession.objects.get(pk=world.session.pk), by=world.session.user)
        before = content()
        response = world.call(client, name, method)
        if response.status_code in {SIGN_IN, UNAUTHORIZED, NOT_FOUND} and name not in HARMLESS:
            assert content() == before, person
        if person in {"anonymous", "suspended"} and response.status_code == SIGN_IN and name not in {"account_login", "account_logout"}:
            assert response.headers["Location"].startswith(reverse("access:sign-in")), person
        if name.startswith(("api:", "webhooks:")) and (name not in NOT_JSON or response.status_code >= 400):
            assert response.headers["Content-Type"].startswith("application/json"), person
        return response

    @pytest.mark.django_db
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_refuses_methods_that_are_not_in_the_table(self, world: World, as_owner: Client, method: str) -> None:
        names = sorted({name for name, _ in TABLE if (name, method) not in TABLE})
        assert {name: world.call(as_owner, name, method).status_code for name in names} == dict.fromkeys(names, 405)

    @pytest.mark.django_db
    @pytest.mark.parametrize("person", ["anonymous", "suspended"])
    def test_sends_htmx_to_the_sign_in_page_by_a_header(self, world: World, client_of: Callable[[str], Client], person: str) -> None:
        client = client_of(person)
        for name, method in (key for key, row in TABLE.items() if row[0] == SIGN_IN and key[0].startswith("dashboard:")):
            response = world.call(client, name, method, **{"HX-Request": "true"})
            assert response.status_code == 401, name
            assert response.headers["HX-Redirect"].startswith(reverse("access:sign-in")), name

    @pytest.mark.django_db
    def test_knows_nothing_of_an_id_that_is_not_there(self, world: World, as_owner: Client, subtests: pytest.Subtests) -> None:
        for name, method in (key for key, row in TABLE.items() if key[0].startswith("dashboard:") and NOT_FOUND in row):
            with subtests.test(name=name, method=method), undone():
                self.knows_nothing(as_owner, name, method)

    def knows_nothing(self, client: Client, name: str, method: str) -> None:
        pattern = reachable()[name]
        client.raise_request_exception = True
        for unknown in ("nothing", "session_00000000000000000000", "..%2f", "x" * 300, "'--", "é"):
            path = "/" + re.sub("<str:[a-z_]+>", unknown, pattern) + QUERIES.get(name, "").replace("SESSION", unknown)
            assert client.generic(method, path).status_code == NOT_FOUND
        client.raise_request_exception = False
        path = "/" + re.sub("<str:[a-z_]+>", "%00", pattern) + QUERIES.get(name, "").replace("SESSION", "%00")
        assert client.generic(method, path).status_code in {400, NOT_FOUND}  # which PostgreSQL does not even compare


class TestAdmin:
    """One group: operators, and nobody else, whatever the page."""

    OPEN = frozenset({"admin:login", "admin:logout"})

    @staticmethod
    def urls() -> list[str]:
        found = []
        for name, pattern in routes():
            if name.startswith("admin:") and name not in {*TestAdmin.OPEN, "admin:None"}:
                arguments = ["1"] * pattern.count("<") if "(?P<app_label>" not in pattern else ["chat"]
                found.append(reverse(name, args=arguments))
        return found

    @pytest.mark.django_db
    @pytest.mark.parametrize("person", ["anonymous", "suspended", "owner", "member", "stranger"])
    def test_sends_everybody_else_to_its_sign_in(self, client_of: Callable[[str], Client], person: str) -> None:
        client = client_of(person)
        urls = self.urls()
        assert len(urls) > 40
        for url in urls:
            for answer in (client.get(url), client.post(url)):
                assert answer.status_code == 302, url
                assert answer.headers["Location"].startswith((reverse("admin:login"), reverse("access:sign-in"))), url

    @pytest.mark.django_db
    def test_lets_operators_in(self, as_operator: Client) -> None:
        assert as_operator.get(reverse("admin:index")).status_code == 200


class TestRights:
    """What is taken away is gone on the next request."""

    @pytest.mark.django_db
    def test_of_a_suspended_user_end_at_once(self, world: World, as_owner: Client, owner: User) -> None:
        assert world.call(as_owner, "dashboard:session", "GET").status_code == 200
        User.objects.filter(pk=owner.pk).update(is_active=False)
        assert world.call(as_owner, "dashboard:session", "GET").status_code == 302
        assert world.call(as_owner, "api:agentos_agents_api", "GET").status_code == 401

    @pytest.mark.django_db(transaction=True)
    def test_to_an_agent_end_with_the_membership(self, world: World, as_owner: Client, owner: User) -> None:
        assert world.call(as_owner, "dashboard:chat", "GET").status_code == 200
        assert self.is_offered(as_owner)
        owner.memberships.get().delete()
        assert world.call(as_owner, "dashboard:chat", "GET").status_code == FORBIDDEN
        assert not self.is_offered(as_owner)
        assert world.call(as_owner, "api:agentos_create_session", "POST").status_code == 404
        assert world.call(as_owner, "api:agentos_send_message", "POST").status_code == 409
        assert world.call(as_owner, "dashboard:session", "GET").status_code == 200  # its chats stay readable

    @staticmethod
    def is_offered(client: Client) -> bool:
        return "support-writer" in {agent["id"] for agent in client.get(reverse("api:agentos_agents_api")).json()["agents"]}
