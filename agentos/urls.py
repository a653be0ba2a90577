"""All of AgentOS below one path of a project: ``path("assistants/", include("agentos.urls"))``.

Our own site takes ``pages``, and puts the APIs where the spec has them (site_config/urls.py).
"""

from django.urls import include, path

pages = [
    path("", include("agentos.dashboard.urls")),  # first, with its messages: looking through all the others takes longer than a query
    path("", include("agentos.billing.urls")),
    path("", include("agentos.webhooks.inbound.urls")),
    path("settings/webhooks/", include("agentos.webhooks.outbound.urls")),
]

urlpatterns = [
    *pages,
    path("api/v1/", include("agentos.api.urls")),
    path("v1/", include("agentos.api.openai.urls")),
]
