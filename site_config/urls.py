"""One include per room."""

from django.contrib import admin
from django.urls import include, path

handler400 = "agentos.dashboard.views.errors.bad_request"
handler403 = "agentos.dashboard.views.errors.forbidden"
handler404 = "agentos.dashboard.views.errors.not_found"
handler500 = "agentos.dashboard.views.errors.server_error"

urlpatterns = [
    path("", include("agentos.dashboard.urls")),  # first, with its messages: looking through all the others takes longer than a query
    path("", include("agentos.access.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/agentos/", include("agentos.api.urls")),
    path("v1/", include("agentos.api.openai.urls")),
    path("", include("agentos.webhooks.urls")),
    path("agentos/settings/webhooks/", include("agentos.webhooks.outgoing.urls")),
]
