"""The pages' URLs: the spec's, and what they need round them."""

from django.urls import path
from django.views.generic import RedirectView

from agentos.access.guards import signed_in
from agentos.dashboard import live
from agentos.dashboard.views import (
    access,
    budgets,
    connecting,
    connections,
    importing,
    memories,
    models,
    palette,
    person,
    runs,
    session,
    sessions,
    team,
    tokens,
    usage,
    voice,
)
from agentos.dashboard.views import files as files_of_chats
from agentos.dashboard.views.agents import AgentOSAgentListView, pin
from agentos.dashboard.views.chat import AgentOSChatView, new_chat
from agentos.dashboard.views.home import AgentOSDashboardView
from agentos.dashboard.views.knowledge import adding, bases, documents
from agentos.dashboard.views.session import AgentOSSessionView
from agentos.dashboard.views.skills import editing as skills
from agentos.dashboard.views.skills import files as skill_files
from agentos.dashboard.views.skills import versions as skill_versions
from agentos.dashboard.views.workshop import cases, editing, files, gallery, personal, sharing, suggesting, trying, versions

app_name = "dashboard"

session_urls = [
    path("session/<str:session_id>/", AgentOSSessionView.as_view(), name="session"),
    path("session/<str:session_id>/turns/", session.turns, name="turns"),
    path("session/<str:session_id>/manage/", session.manage, name="manage"),
    path("session/<str:session_id>/rename/", sessions.rename, name="rename"),
    path("session/<str:session_id>/pin/", sessions.pin, name="pin"),
    path("session/<str:session_id>/archive/", sessions.archive, name="archive"),
    path("session/<str:session_id>/approvals/revoke/", sessions.revoke_approval, name="revoke-approval"),
    path("session/<str:session_id>/knowledge/", sessions.bring_bases, name="bring-bases"),
    path("session/<str:session_id>/export/<str:form>/", sessions.export, name="export"),
    path("session/<str:session_id>/delete/", sessions.delete, name="delete"),
    path("session/<str:session_id>/restore/", sessions.restore, name="restore"),
]

settings_urls = [
    path("settings/", signed_in(RedirectView.as_view(pattern_name="dashboard:person", http_method_names=["get"])), name="settings"),
    path("settings/person/", person.person, name="person"),
    path("settings/person/theme/", person.theme, name="theme"),
    path("settings/person/picture/", person.picture, name="picture"),
    path("settings/tokens/", tokens.tokens, name="tokens"),
    path("settings/teams/", team.teams, name="teams"),
    path("settings/teams/<int:team_id>/", team.team, name="team"),
    path("settings/teams/<int:team_id>/people/<int:membership_id>/", team.change, name="change-member"),
    path("settings/teams/<int:team_id>/invitations/<int:invitation_id>/revoke/", team.revoke, name="revoke-invitation"),
    path("settings/access/", access.requests, name="access-requests"),
    path("settings/access/<int:request_id>/", access.decide, name="decide-access"),
    path("settings/usage/", usage.usage, name="usage"),
    path("settings/budgets/", budgets.budgets, name="budgets"),
    path("settings/budgets/<int:budget_id>/delete/", budgets.delete, name="delete-budget"),
    path("settings/usage/all/", usage.all_usage, name="all-usage"),
    path("settings/teams/<int:team_id>/usage/", usage.team_usage, name="team-usage"),
    path("settings/tokens/<int:token_id>/revoke/", tokens.revoke, name="revoke-token"),
    path("settings/memory/", memories.memories, name="memories"),
    path("settings/memory/switch/", memories.switch, name="switch-memory"),
    path("settings/memory/export/", memories.export, name="export-memories"),
    path("settings/memory/delete/", memories.delete_all, name="delete-memories"),
    path("settings/memory/<int:number>/", memories.change, name="memory"),
    path("settings/memory/<int:number>/delete/", memories.delete, name="delete-memory"),
    path("settings/models/", models.models, name="models"),
    path("settings/models/prices/", models.set_price, name="set-price"),
    path("settings/models/prices/<int:price_id>/delete/", models.delete_price, name="delete-price"),
    path("settings/connections/", connections.connections, name="connections"),
    path("settings/connections/<str:slug>/", connections.connection, name="connection"),
    path("settings/connections/<str:slug>/refresh/", connections.refresh, name="refresh-connection"),
    path("settings/connections/<str:slug>/accept/", connections.accept, name="accept-tools"),
    path("settings/connections/<str:slug>/tools/", connections.policies, name="tool-policies"),
    path("settings/connections/<str:slug>/switch/", connections.switch, name="switch-connection"),
    path("settings/connections/<str:slug>/delete/", connections.delete, name="delete-connection"),
    path("settings/connections/<str:slug>/connect/", connecting.connect, name="connect"),
    path("settings/connections/<str:slug>/back/", connecting.came_back, name="came-back"),
    path("settings/connections/<str:slug>/disconnect/", connecting.disconnect, name="disconnect"),
]

workshop_urls = [
    path("workshop/", editing.workshop, name="workshop"),
    path("workshop/new/", editing.new, name="new-agent"),
    path("workshop/gallery/", gallery.gallery, name="gallery"),
    path("workshop/import/", files.bring, name="import-agent"),
    path("workshop/team/<int:team_id>/personal/", personal.allow, name="allow-personal"),
    path("workshop/agent/<str:agent_id>/export/", files.export, name="export-agent"),
    path("workshop/agent/<str:agent_id>/", editing.edit, name="edit-agent"),
    path("workshop/agent/<str:agent_id>/preview/", editing.preview, name="preview-agent"),
    path("workshop/agent/<str:agent_id>/members/", editing.arrange, name="arrange-members"),
    path("workshop/agent/<str:agent_id>/discard/", editing.discard, name="discard-draft"),
    path("workshop/agent/<str:agent_id>/publish/", versions.publish, name="publish-agent"),
    path("workshop/agent/<str:agent_id>/versions/", versions.versions, name="agent-versions"),
    path("workshop/agent/<str:agent_id>/versions/<int:number>/", versions.version, name="agent-version"),
    path("workshop/agent/<str:agent_id>/versions/<int:number>/restore/", versions.restore, name="restore-version"),
    path("workshop/agent/<str:agent_id>/try/", trying.try_draft, name="try-agent"),
    path("workshop/agent/<str:agent_id>/try/stop/", trying.stop_trial, name="stop-trial"),
    path("workshop/agent/<str:agent_id>/try/<str:run_id>/answer/", trying.answer_trial, name="answer-trial"),
    path("workshop/agent/<str:agent_id>/suggest/<str:part>/", suggesting.suggest, name="suggest"),
    path("workshop/agent/<str:agent_id>/tests/", cases.tests, name="agent-tests"),
    path("workshop/agent/<str:agent_id>/tests/new/", cases.new, name="new-test"),
    path("workshop/agent/<str:agent_id>/tests/run/", cases.run, name="run-tests"),
    path("workshop/agent/<str:agent_id>/tests/stop/", cases.stop, name="stop-tests"),
    path("workshop/agent/<str:agent_id>/tests/<int:test_id>/", cases.test, name="agent-test"),
    path("workshop/agent/<str:agent_id>/tests/<int:test_id>/delete/", cases.delete, name="delete-test"),
    path("workshop/agent/<str:agent_id>/tests/result/<int:result_id>/", cases.result, name="test-result"),
    path("workshop/agent/<str:agent_id>/copy/", files.copy, name="copy-agent"),
    path("workshop/agent/<str:agent_id>/share/", sharing.share, name="share-agent"),
    path("workshop/agent/<str:agent_id>/switch/", sharing.switch, name="switch-agent"),
    path("workshop/agent/<str:agent_id>/delete/", sharing.delete, name="delete-agent"),
]

knowledge_urls = [
    path("knowledge/", bases.bases, name="knowledge"),
    path("knowledge/new/", bases.new, name="new-base"),
    path("knowledge/<int:base_id>/", bases.base, name="base"),
    path("knowledge/<int:base_id>/add/", adding.add, name="add-knowledge"),
    path("knowledge/<int:base_id>/again/", bases.again, name="try-base-again"),
    path("knowledge/<int:base_id>/delete/", bases.delete, name="delete-base"),
    path("knowledge/<int:base_id>/upload/", adding.begin, name="begin-knowledge"),
    path("knowledge/<int:base_id>/upload/<str:upload_id>/", adding.upload, name="knowledge-upload"),
    path("knowledge/<int:base_id>/upload/<str:upload_id>/<int:number>/", adding.put, name="knowledge-slice"),
    path("knowledge/documents/<int:document_id>/", documents.document, name="document"),
    path("knowledge/documents/<int:document_id>/again/", documents.again, name="try-document-again"),
    path("knowledge/documents/<int:document_id>/delete/", documents.delete, name="delete-document"),
]

skill_urls = [
    path("workshop/skills/", skills.skills, name="skills"),
    path("workshop/skills/new/", skills.new, name="new-skill"),
    path("workshop/skills/import/", skill_files.bring, name="import-skills"),
    path("workshop/skills/<int:skill_id>/", skills.skill, name="skill"),
    path("workshop/skills/<int:skill_id>/zip/", skill_files.replace, name="replace-skill"),
    path("workshop/skills/<int:skill_id>/export/", skill_files.export, name="export-skill"),
    path("workshop/skills/<int:skill_id>/file/", skill_files.file, name="skill-file"),
    path("workshop/skills/<int:skill_id>/share/", skills.share, name="share-skill"),
    path("workshop/skills/<int:skill_id>/delete/", skills.delete, name="delete-skill"),
    path("workshop/skills/<int:skill_id>/versions/", skill_versions.versions, name="skill-versions"),
    path("workshop/skills/<int:skill_id>/versions/<int:number>/", skill_versions.version, name="skill-version"),
    path("workshop/skills/<int:skill_id>/versions/<int:number>/restore/", skill_versions.restore, name="restore-skill"),
]

urlpatterns = [
    *session_urls,
    path("chat/", new_chat, name="new-chat"),
    path("chat/<str:agent_id>/", AgentOSChatView.as_view(), name="chat"),
    path("", AgentOSDashboardView.as_view(), name="home"),
    path("invitation/", team.invitation, name="invitation-here"),
    path("invitation/<str:token>/", team.follow, name="invitation"),
    path("agents/<str:agent_id>/ask/", access.ask, name="ask-access"),
    path("agents/<str:agent_id>/pin/", pin, name="pin-agent"),
    path("agents/<str:agent_id>/own/", personal.own, name="own-agent"),
    path("agents/", AgentOSAgentListView.as_view(), name="agents"),
    path("sessions/", sessions.sessions, name="sessions"),
    path("sessions/deleted/", sessions.deleted, name="deleted-sessions"),
    path("sessions/older/", sessions.older, name="older-sessions"),
    path("sessions/import/", importing.start, name="import-chats"),
    path("sessions/import/<str:file_id>/", importing.chosen, name="import-file"),
    path("run/<str:run_id>/retry/", runs.retry, name="retry"),
    path("run/<str:run_id>/stop/", runs.stop, name="stop"),
    path("run/<str:run_id>/continue/", runs.go_on, name="continue"),
    path("run/<str:run_id>/answer/", runs.answer, name="answer"),
    path("run/<str:run_id>/feedback/", runs.feedback, name="feedback"),
    path("run/<str:run_id>/fork/", runs.fork, name="fork"),
    path("run/<str:run_id>/edit/", runs.edit, name="edit"),
    path("run/<str:run_id>/memory/<int:place>/undo/", runs.undo_memory, name="undo-memory"),
    path("run/<str:run_id>/file/<int:index>/", runs.file, name="file"),
    path("voice/", voice.words, name="voice"),
    path("voice/speech/", voice.say, name="speech"),
    path("files/", files_of_chats.begin, name="begin-upload"),
    path("files/upload/<str:upload_id>/", files_of_chats.upload, name="upload"),
    path("files/upload/<str:upload_id>/done/", files_of_chats.done, name="finish-upload"),
    path("files/upload/<str:upload_id>/<int:number>/", files_of_chats.put, name="slice"),
    path("files/<str:file_id>/", files_of_chats.file, name="attachment"),
    path("files/<str:file_id>/thumb/", files_of_chats.thumb, name="thumb"),
    path("files/<str:file_id>/words/", files_of_chats.words, name="recording-words"),
    path("files/<str:file_id>/remove/", files_of_chats.remove, name="remove-file"),
    path("palette/", palette.palette, name="palette"),
    path("shortcuts/", palette.shortcuts, name="shortcuts"),
    path("run/<str:run_id>/version/", runs.version, name="version"),
    path("live/", live.stream, name="live"),
    *settings_urls,
    *workshop_urls,
    *knowledge_urls,
    *skill_urls,
]
