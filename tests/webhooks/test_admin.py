"""What operators see of the events that other systems sent."""

from django.test import Client

from tests.factories import WebhookEventFactory
from tests.html import page


class TestWebhookEventAdmin:
    def test_shows_the_content_as_text(self, as_operator: Client) -> None:
        event = WebhookEventFactory(data={"html": "<b>bold</b>"})
        html = page(as_operator.get(f"/admin/webhooks/webhookevent/{event.pk}/change/"))
        assert html.text("pre") == '{ "html": "<b>bold</b>" }'
        assert not html.has("pre b")
