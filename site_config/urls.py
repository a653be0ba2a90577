"""Where the rooms are on our own site: the paths of the spec."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from agentos.access.guards import may_enter_admin, operator_only, signed_in
from agentos.urls import pages

handler400 = "agentos.dashboard.views.errors.bad_request"
handler403 = "agentos.dashboard.views.errors.forbidden"
handler404 = "agentos.dashboard.views.errors.not_found"
handler500 = "agentos.dashboard.views.errors.server_error"

admin.site.site_header = "AgentOS for operators"
admin.site.site_title = "AgentOS"
admin.site.site_url = "/agentos/"
admin.site.login = operator_only(admin.site.login)  # type: ignore[method-assign]  # there is one sign-in page
admin.site.has_permission = may_enter_admin  # type: ignore[method-assign]

root = [path("", signed_in(RedirectView.as_view(pattern_name="dashboard:home")), name="root")]

urlpatterns = [
    path("agentos/", include(pages)),
    path("agentos/settings/installation/", include("agentos.operations.installation_urls")),
    path("", include((root, "site"))),
    path("", include("agentos.accounts.urls")),
    path("", include("agentos.access.urls")),
    path("setup/", include("agentos.operations.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/agentos/", include("agentos.api.urls")),
    path("v1/", include("agentos.api.openai.urls")),
]
