"""Its own front page and sign-in, and AgentOS below a path that it has chosen."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def front(request: HttpRequest) -> HttpResponse:
    return HttpResponse("A shop, not a chat.")


urlpatterns = [
    path("", front, name="front"),
    path("enter/", LoginView.as_view(template_name="enter.html"), name="login"),
    path("leave/", LogoutView.as_view(next_page="front"), name="logout"),
    path("staff/", admin.site.urls),
    path("assistants/", include("agentos.urls")),
]
