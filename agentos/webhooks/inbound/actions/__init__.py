"""Taking in what other systems send, and what operators do with it."""

from agentos.webhooks.inbound.actions.deliveries import Delivery, check_signature, receive_delivery, replay_event
from agentos.webhooks.inbound.actions.endpoints import (
    change_endpoint,
    create_endpoint,
    delete_endpoint,
    reveal_secret,
    rotate_secret,
    switch_endpoint,
)
from agentos.webhooks.inbound.actions.receiving import check_rate, receive_event
from agentos.webhooks.inbound.actions.runs import answer_event_run, stop_event_run

__all__ = [
    "Delivery",
    "answer_event_run",
    "change_endpoint",
    "check_rate",
    "check_signature",
    "create_endpoint",
    "delete_endpoint",
    "receive_delivery",
    "receive_event",
    "replay_event",
    "reveal_secret",
    "rotate_secret",
    "stop_event_run",
    "switch_endpoint",
]
