"""The URL of the webhook, named as in the spec: ``webhooks:agentos_webhook``."""

from django.urls import path

from agentos.webhooks import views

app_name = "webhooks"

urlpatterns = [
    path("", views.agentos_webhook, name="agentos_webhook"),
]
