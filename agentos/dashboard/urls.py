"""The pages' URLs: the spec's, and what they need round them."""

from django.urls import path
from django.views.generic import RedirectView

from agentos.access.guards import signed_in
from agentos.dashboard import live
from agentos.dashboard.views import runs, session, sessions, tokens, usage
from agentos.dashboard.views.agents import AgentOSAgentListView
from agentos.dashboard.views.chat import AgentOSChatView
from agentos.dashboard.views.home import AgentOSDashboardView
from agentos.dashboard.views.session import AgentOSSessionView

app_name = "dashboard"

session_urls = [
    path("agentos/session/<str:session_id>/", AgentOSSessionView.as_view(), name="session"),
    path("agentos/session/<str:session_id>/turns/", session.turns, name="turns"),
    path("agentos/session/<str:session_id>/manage/", session.manage, name="manage"),
    path("agentos/session/<str:session_id>/rename/", sessions.rename, name="rename"),
    path("agentos/session/<str:session_id>/pin/", sessions.pin, name="pin"),
    path("agentos/session/<str:session_id>/archive/", sessions.archive, name="archive"),
    path("agentos/session/<str:session_id>/delete/", sessions.delete, name="delete"),
    path("agentos/session/<str:session_id>/restore/", sessions.restore, name="restore"),
]

settings_urls = [
    path("agentos/settings/", signed_in(RedirectView.as_view(pattern_name="dashboard:tokens", http_method_names=["get"])), name="settings"),
    path("agentos/settings/tokens/", tokens.tokens, name="tokens"),
    path("agentos/settings/usage/", usage.usage, name="usage"),
    path("agentos/settings/tokens/<int:token_id>/revoke/", tokens.revoke, name="revoke-token"),
]

urlpatterns = [
    *session_urls,
    path("agentos/chat/<str:agent_id>/", AgentOSChatView.as_view(), name="chat"),
    path("", signed_in(RedirectView.as_view(pattern_name="dashboard:home")), name="root"),
    path("agentos/", AgentOSDashboardView.as_view(), name="home"),
    path("agentos/agents/", AgentOSAgentListView.as_view(), name="agents"),
    path("agentos/sessions/", sessions.sessions, name="sessions"),
    path("agentos/sessions/older/", sessions.older, name="older-sessions"),
    path("agentos/run/<str:run_id>/retry/", runs.retry, name="retry"),
    path("agentos/run/<str:run_id>/stop/", runs.stop, name="stop"),
    path("agentos/run/<str:run_id>/continue/", runs.go_on, name="continue"),
    path("agentos/run/<str:run_id>/answer/", runs.answer, name="answer"),
    path("agentos/run/<str:run_id>/feedback/", runs.feedback, name="feedback"),
    path("agentos/run/<str:run_id>/fork/", runs.fork, name="fork"),
    path("agentos/run/<str:run_id>/edit/", runs.edit, name="edit"),
    path("agentos/live/", live.stream, name="live"),
    *settings_urls,
]
