"""Outgoing webhooks in the admin."""

import pytest
from django.test import Client

from agentos.access.models import Team
from agentos.audit.models import AuditRecord
from agentos.core import clock
from agentos.webhooks.outbound.models import Attempt
from tests.webhooks.outbound import make_delivery, make_endpoint, secret_of

pytestmark = pytest.mark.django_db


class TestTheAdmin:
    def test_shows_endpoints_and_their_messages_without_a_secret(self, as_operator: Client, support: Team) -> None:
        delivery = make_delivery(make_endpoint(support, name="CRM"))
        Attempt.objects.create(delivery=delivery, at=clock.now(), seconds=1, url="https://hooks.example/in", status_code=500, answer="boom")
        endpoint = delivery.endpoint
        for path in (
            "endpoint/",
            f"endpoint/{endpoint.pk}/change/",
            "delivery/",
            f"delivery/{delivery.pk}/change/",
            "endpoint/?q=CRM",
            "delivery/?q=msg",
        ):
            answer = as_operator.get(f"/admin/webhooks_outgoing/{path}")
            assert answer.status_code == 200
            assert endpoint.secret not in answer.content.decode()
            assert secret_of(endpoint) not in answer.content.decode()
        assert as_operator.get("/admin/webhooks_outgoing/endpoint/add/").status_code == 403

    @pytest.mark.parametrize(("action", "was", "verb"), [("switch_off", True, "off"), ("switch_on", False, "on")])
    def test_switches_endpoints(self, action: str, was: bool, verb: str, as_operator: Client, support: Team) -> None:
        endpoint = make_endpoint(support, is_enabled=was)
        as_operator.post("/admin/webhooks_outgoing/endpoint/", {"action": action, "_selected_action": [endpoint.pk]})
        endpoint.refresh_from_db()
        assert endpoint.is_enabled is not was
        assert AuditRecord.objects.get(object_id=endpoint.hook_id).verb == f"webhooks.endpoint.{verb}"
