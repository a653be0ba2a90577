"""That no page is left out of the scenes which the browser tests walk through (tests/browser/scenes.py)."""

from django.urls import resolve

from tests.browser.scenes import SCENES, filled
from tests.test_permissions import TABLE

PROGRAMS = ("api:", "openai:", "webhooks:")
PAGES_OF_PROGRAMS = {"api:docs", "api:integrations"}
# A stream, and what is downloaded: an agent, memories, and what an agent has written.
NO_PAGES = {
    "dashboard:live",
    "dashboard:export-agent",
    "dashboard:export-skill",
    "dashboard:export-memories",
    "dashboard:export",
    "dashboard:file",
}
NO_PAGES |= {"mfa_login_webauthn"}  # what a browser asks its keeper of passkeys
NO_PAGES |= {"dashboard:attachment", "dashboard:thumb", "dashboard:begin-upload", "dashboard:voice"}
BY_LINK = {"operations:set-up"}  # what nobody sees without a link

NAMES = {
    "CHAT": "session_1", "FORK": "session_2", "CLOSED": "session_3", "AGENT": "curator", "HOOK": "hook_1", "MESSAGE": "msg_1",
    "ENDPOINT": "endpoint_1", "EVENT": "1", "LINK": "secret", "CRM": "crm", "DRAFT": "letter-helper", "UNREADY": "just-begun",
    "NUMBER": "2", "SKILL": "7", "BASE": "4", "DOCUMENT": "17", "OWN": "copy-of-painter",
    "TEAM": "3", "WHO": "1", "PLAN": "1", "TESTED": "1", "RESULT": "1",
}  # fmt: skip


def pages() -> set[str]:
    """The names of all URLs that somebody can look at, by the table that every URL has to be in."""
    shown = {name for (name, method), row in TABLE.items() if method == "GET" and 200 in row}
    return {name for name in shown if not name.startswith(PROGRAMS) or name in PAGES_OF_PROGRAMS} - NO_PAGES | BY_LINK


def test_each_page_is_in_a_scene() -> None:
    visited = {resolve(filled(scene.path, NAMES).partition("?")[0]).view_name for scene in SCENES if scene.path != "/nothing/"}
    assert pages() - visited == set()


def test_scenes_have_names_of_their_own() -> None:
    names = [scene.name for scene in SCENES]
    assert len(names) == len(set(names))
