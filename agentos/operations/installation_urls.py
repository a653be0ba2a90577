"""The URL of the operators' page of the installation, in the settings."""

from django.urls import path

from agentos.operations import views

app_name = "installation"

urlpatterns = [path("", views.show_installation, name="installation")]
