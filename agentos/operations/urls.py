"""The URL by which the first operator is made."""

from django.urls import path

from agentos.operations import views

app_name = "operations"

urlpatterns = [path("", views.set_up, name="set-up")]
