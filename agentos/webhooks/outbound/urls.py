"""The settings pages of webhooks that a team is told by."""

from django.urls import path

from agentos.webhooks.outbound import views

app_name = "webhooks_out"

urlpatterns = [
    path("", views.endpoints, name="endpoints"),
    path("<str:hook_id>/", views.endpoint, name="endpoint"),
    path("<str:hook_id>/reveal/", views.reveal, name="reveal"),
    path("<str:hook_id>/rotate/", views.rotate, name="rotate"),
    path("<str:hook_id>/switch/", views.switch, name="switch"),
    path("<str:hook_id>/delete/", views.delete, name="delete"),
    path("<str:hook_id>/test/", views.test, name="test"),
    path("<str:hook_id>/message/<str:message_id>/", views.delivery, name="delivery"),
    path("<str:hook_id>/message/<str:message_id>/again/", views.again, name="again"),
]
