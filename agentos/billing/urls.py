"""The pages of plans, and the door for Stripe's events."""

from django.urls import path

from agentos.billing.views import events, plans, prices

app_name = "billing"

urlpatterns = [
    path("billing/events/", events.events, name="events"),
    path("settings/plans/", plans.plans, name="plans"),
    path("settings/plans/subscribe/", plans.subscribe, name="subscribe"),
    path("settings/plans/paid/", plans.paid, name="paid"),
    path("settings/plans/portal/", plans.portal, name="portal"),
    path("settings/plans/prices/", prices.prices, name="prices"),
    path("settings/plans/prices/<int:offer_id>/", prices.switch, name="switch-price"),
]
