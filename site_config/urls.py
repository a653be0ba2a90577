"""One include per room."""

from django.contrib import admin
from django.urls import include, path

handler400 = "agentos.core.errors.bad_request"
handler500 = "agentos.core.errors.server_error"

urlpatterns = [
    path("", include("agentos.access.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/agentos/", include("agentos.api.urls")),
    path("agentos/webhook/", include("agentos.webhooks.urls")),
]
