"""The door for Stripe's events."""

from django.urls import path

from agentos.billing.views import events

app_name = "billing"

urlpatterns = [
    path("billing/events/", events.events, name="events"),
]
