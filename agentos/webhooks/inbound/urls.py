"""The addresses that senders post to, named as in the spec (``webhooks:agentos_webhook``), and the operators' pages (``inbox:``)."""

from django.urls import include, path

from agentos.webhooks.inbound.views import endpoints, inbox, receiving

senders = [
    path("", receiving.agentos_webhook, name="agentos_webhook"),
    path("<str:endpoint_id>/", receiving.receive, name="receive"),
]

pages = [
    path("inbox/", inbox.events, name="events"),
    path("inbox/<int:event_id>/", inbox.event, name="event"),
    path("inbox/<int:event_id>/replay/", inbox.replay, name="replay"),
    path("inbox/<int:event_id>/stop/", inbox.stop, name="stop"),
    path("inbox/<int:event_id>/answer/", inbox.answer, name="answer"),
    path("endpoints/", endpoints.endpoints, name="endpoints"),
    path("endpoints/new/", endpoints.new, name="new-endpoint"),
    path("endpoints/<str:endpoint_id>/", endpoints.endpoint, name="endpoint"),
    path("endpoints/<str:endpoint_id>/try/", endpoints.try_out, name="try"),
    path("endpoints/<str:endpoint_id>/reveal/", endpoints.reveal, name="reveal"),
    path("endpoints/<str:endpoint_id>/rotate/", endpoints.rotate, name="rotate"),
    path("endpoints/<str:endpoint_id>/switch/", endpoints.switch, name="switch"),
    path("endpoints/<str:endpoint_id>/delete/", endpoints.delete, name="delete"),
]

urlpatterns = [
    path("webhook/", include((senders, "webhooks"))),
    path("settings/", include((pages, "inbox"))),
]
