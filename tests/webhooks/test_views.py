"""The webhook: what it takes in, what it refuses, and that it starts nothing."""

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from agentos.audit.models import AuditRecord
from agentos.chat.models import Run
from agentos.core import clock
from agentos.webhooks.inbound.actions import receiving
from agentos.webhooks.inbound.models import WebhookEvent, WebhookInbox
from tests.api.calls import assert_refused, post
from tests.factories import WebhookEventFactory

URL = "/agentos/webhook/"
EVENT = {"event": "message_received", "data": {"ticket": 7}}

pytestmark = pytest.mark.django_db


class TestAgentosWebhook:
    def test_has_the_name_of_the_spec(self) -> None:
        assert reverse("webhooks:agentos_webhook") == URL

    def test_stores_an_event_of_anybody_and_starts_nothing(self, anonymous: Client) -> None:
        response = post(anonymous, URL, EVENT)
        assert (response.status_code, response.json()) == (200, {"status": "success"})
        assert response.headers["Content-Type"] == "application/json"
        event = WebhookEvent.objects.get()
        assert (event.event, event.data, event.is_verified) == ("message_received", {"ticket": 7}, False)
        assert event.source_address == "127.0.0.1"
        assert not Run.objects.exists()
        assert not AuditRecord.objects.exists()

    def test_needs_no_data(self, anonymous: Client) -> None:
        assert post(anonymous, URL, {"event": "ping"}).status_code == 200
        assert WebhookEvent.objects.get().data == {}

    def test_asks_for_no_csrf_token_and_no_origin(self) -> None:
        client = Client(enforce_csrf_checks=True)
        assert post(client, URL, EVENT, **{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}).status_code == 200

    def test_verifies_nothing_that_the_sender_claims(self, anonymous: Client) -> None:
        claims = {"is_verified": True, "source_address": "10.0.0.1", "received_at": "2000-01-01", "id": 1}
        post(anonymous, URL, {**EVENT, **claims}, **{"X-Forwarded-For": "10.0.0.1", "X-Real-IP": "10.0.0.1"})
        event = WebhookEvent.objects.get()
        assert (event.is_verified, event.source_address) == (False, "127.0.0.1")
        assert clock.now() - event.received_at < timedelta(minutes=1)

    def test_stores_only_what_every_database_can_hold(self, anonymous: Client) -> None:
        post(anonymous, URL, b'{"event": " a\\u0000b ", "data": {"k\\u0000": ["\\ud800"]}}')
        event = WebhookEvent.objects.get()
        assert (event.event, event.data) == ("a\ufffdb", {"k\ufffd": ["?"]})

    @pytest.mark.parametrize(
        ("body", "status", "code", "word"),
        [
            (b" ", 400, "invalid_json", "Invalid JSON"),
            (b"{", 400, "invalid_json", "Invalid JSON"),
            (b'{"event": "e", "data": {"a": NaN}}', 400, "invalid_json", "NaN"),
            (b'{"event": "e", "data": {"a": 1e400}}', 400, "invalid_json", "range"),
            (b'{"event": "e", "data": ' + b'{"a":' * 10_000 + b"1" + b"}" * 10_001, 400, "invalid_json", "deeply"),
            (b"null", 422, "invalid_fields", "object"),
            (b"[]", 422, "invalid_fields", "object"),
            ({}, 422, "missing_fields", "event"),
            ({"event": ""}, 422, "invalid_fields", "event: "),
            ({"event": "  "}, 422, "invalid_fields", "event: "),
            ({"event": None}, 422, "invalid_fields", "event: "),
            ({"event": 7}, 422, "invalid_fields", "event: "),
            ({"event": ["e"]}, 422, "invalid_fields", "event: "),
            ({"event": "e" * 101}, 422, "invalid_fields", "event: "),
            ({"event": "e", "data": None}, 422, "invalid_fields", "data: "),
            ({"event": "e", "data": []}, 422, "invalid_fields", "data: "),
            ({"event": "e", "data": {"a": "b" * 64_000}}, 422, "invalid_fields", "data: "),
            (b'{"event": "' + b"e" * 1024 * 1024 + b'"}', 413, "too_large", "too large"),
        ],
    )
    def test_refuses(self, anonymous: Client, body: Any, status: int, code: str, word: str) -> None:
        assert_refused(post(anonymous, URL, body), status, code, word)
        assert not WebhookEvent.objects.exists()

    @pytest.mark.parametrize("number", [10**400, 2**63, -(2**70), 0.1])
    def test_keeps_numbers_of_every_size(self, anonymous: Client, number: float) -> None:
        assert post(anonymous, URL, {"event": "e", "data": {"n": number}}).status_code == 200
        assert WebhookEvent.objects.get().data == {"n": number}

    def test_keeps_a_number_that_is_almost_too_large(self, anonymous: Client) -> None:
        assert post(anonymous, URL, b'{"event": "e", "data": {"n": 1e308}}').status_code == 200
        assert float(WebhookEvent.objects.get().data["n"]) == 1e308  # PostgreSQL writes it out

    @pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
    def test_takes_json_only(self, anonymous: Client, kind: str) -> None:
        assert_refused(anonymous.post(URL, json.dumps(EVENT), content_type=kind), 415, "unsupported_media_type")

    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"])
    def test_is_posted_to(self, anonymous: Client, method: str) -> None:
        response = anonymous.generic(method, URL)
        assert (response.status_code, response.headers["Allow"]) == (405, "POST")
        if method != "HEAD":
            assert_refused(response, 405, "method_not_allowed")

    @pytest.mark.parametrize(
        ("address", "stored"), [("10.1.2.3", "10.1.2.3"), ("::1", "::1"), ("fe80::1%eth0", "fe80::1"), ("", None), ("/run/socket", None)]
    )
    def test_knows_its_callers_address(self, anonymous: Client, address: str, stored: str | None) -> None:
        assert anonymous.post(URL, EVENT, content_type="application/json", REMOTE_ADDR=address).status_code == 200
        assert WebhookEvent.objects.get().source_address == stored


class TestRate:
    def test_is_sixty_a_minute_from_one_address(self, anonymous: Client) -> None:
        for _ in range(60):
            assert post(anonymous, URL, EVENT).status_code == 200
        response = post(anonymous, URL, EVENT)
        assert_refused(response, 429, "too_many_requests", "60")
        assert 1 <= int(response.headers["Retry-After"]) <= 60
        assert WebhookEvent.objects.count() == 60
        assert anonymous.post(URL, EVENT, content_type="application/json", REMOTE_ADDR="10.0.0.9").status_code == 200

    def test_is_of_all_addresses_of_one_network(self, anonymous: Client) -> None:
        WebhookEventFactory.create_batch(59, source_address="2001:db8:1:2::1")
        for address, status in (("2001:db8:1:2::2", 200), ("2001:db8:1:2:f::3", 429), ("2001:db8:1:3::1", 200)):
            response = anonymous.post(URL, EVENT, content_type="application/json", REMOTE_ADDR=address)
            assert response.status_code == status, address

    def test_counts_the_last_minute(self, anonymous: Client) -> None:
        old = clock.now() - timedelta(seconds=61)
        WebhookEventFactory.create_batch(59, source_address="127.0.0.1")
        WebhookEventFactory.create_batch(5, source_address="127.0.0.1", received_at=old)
        assert post(anonymous, URL, EVENT).status_code == 200
        assert post(anonymous, URL, EVENT).status_code == 429

    def test_says_when_the_next_may_come(self, anonymous: Client) -> None:
        WebhookEventFactory(source_address="127.0.0.1", received_at=clock.now() - timedelta(seconds=50))
        WebhookEventFactory.create_batch(59, source_address="127.0.0.1")
        assert int(post(anonymous, URL, EVENT).headers["Retry-After"]) in {9, 10}

    @pytest.mark.django_db(transaction=True)
    def test_is_exact_when_many_come_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(receiving, "RATE", 10)
        statuses: list[int] = []

        def send() -> None:
            try:
                statuses.extend(post(Client(), URL, EVENT).status_code for _ in range(5))
            finally:
                connection.close()

        threads = [threading.Thread(target=send) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses) == [200] * 10 + [429] * 20
        assert WebhookEvent.objects.count() == 10


class TestStore:
    def test_drops_the_oldest_unverified_events(self, anonymous: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(receiving, "KEPT", 5)
        verified = WebhookEventFactory(event="verified", is_verified=True)
        for number in range(8):
            post(anonymous, URL, {"event": f"event-{number}"})
        kept = WebhookEvent.objects.exclude(pk=verified.pk).order_by("pk").values_list("event", flat=True)
        assert list(kept) == [f"event-{number}" for number in range(3, 8)]
        assert WebhookEvent.objects.filter(pk=verified.pk).exists()
        assert WebhookInbox.objects.get().received == 8
