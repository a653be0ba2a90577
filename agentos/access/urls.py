"""The URLs of signing in and out: the two that anybody may open."""

from django.urls import path

from agentos.access import views

app_name = "access"

urlpatterns = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-out/", views.sign_out, name="sign-out"),
]
