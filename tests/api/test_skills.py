"""Skills by the API: the same rules as on their pages."""

import json
from typing import Any

import pytest
from django.test import Client

from agentos.access.actions import create_token
from agentos.access.models import Team, User
from agentos.skills import actions, queries
from agentos.skills.document import parse
from agentos.skills.models import Skill
from tests.factories import SkillFactory, TeamFactory

pytestmark = pytest.mark.django_db

URL = "/api/v1/agentos/skills/"
CHOICE = {"name": "brand-voice", "description": "How we write.", "body": "Be brief."}


def send(client: Client, method: str, url: str, body: Any = None, **headers: str) -> Any:
    return client.generic(method, url, json.dumps(body) if body is not None else "", content_type="application/json", headers=headers)


@pytest.fixture
def skill(owner: User, support: Team) -> Skill:
    text = "---\nname: voice\ndescription: How we write.\nlicense: MIT\n---\nBe kind.\n"
    return actions.create_skill(document=parse(text), team=support, files={"a.md": b"A", "b.bin": b"\0"}, by=owner)


class TestSkills:
    def test_are_made_and_found(self, as_owner: Client, support: Team) -> None:
        answer = send(as_owner, "POST", URL, {**CHOICE, "files": {"references/a.md": "A"}})
        made = Skill.objects.get()
        assert (answer.status_code, answer["Location"]) == (201, f"{URL}{made.pk}/")
        said = answer.json()
        assert (said["team"], said["version"], said["source"]) == ({"id": support.pk, "name": "Support"}, 1, None)
        assert said["files"] == [{"path": "references/a.md", "size": 1, "is_text": True}]
        assert said["text"] == "---\nname: brand-voice\ndescription: How we write.\n---\n\nBe brief.\n"
        assert [each["id"] for each in send(as_owner, "GET", URL).json()["skills"]] == [made.pk]

    @pytest.mark.parametrize(
        ("sent", "status", "field"),
        [
            ({"name": "Big"}, 422, "name: "),
            ({"description": " "}, 422, "description: "),
            ({"body": ""}, 422, "body: "),
            ({"files": {"../a": "x"}}, 422, "files: "),
            ({"files": {"SKILL.md": "x"}}, 422, "files: "),
            ({"team": 10**9}, 404, ""),
        ],
    )
    def test_that_cannot_be_are_refused(self, as_owner: Client, sent: dict[str, Any], status: int, field: str) -> None:
        answer = send(as_owner, "POST", URL, {**CHOICE, **sent})
        assert answer.status_code == status
        assert answer.json()["error"].startswith(field)
        assert not Skill.objects.exists()

    def test_of_one_name_are_refused(self, as_owner: Client, skill: Skill) -> None:
        answer = send(as_owner, "POST", URL, {**CHOICE, "name": "voice"})
        assert (answer.status_code, answer["X-Error-Code"]) == (409, "same_name")

    def test_of_others_are_not_there(self, as_owner: Client) -> None:
        theirs = SkillFactory(team=TeamFactory())
        for method in ("GET", "PATCH", "DELETE"):
            assert send(as_owner, method, f"{URL}{theirs.pk}/", {"body": "x"}).status_code == 404

    def test_of_everybody_are_changed_by_operators(self, as_owner: Client, as_operator: Client) -> None:
        everybodys = SkillFactory()
        url = f"{URL}{everybodys.pk}/"
        assert send(as_owner, "GET", url).status_code == 200
        assert send(as_owner, "PATCH", url, {"body": "x"})["X-Error-Code"] == "not_your_skill"
        assert send(as_operator, "PATCH", url, {"body": "x"}).json()["version"] == 2

    def test_need_a_scope(self, client: Client, owner: User, skill: Skill) -> None:
        _, secret = create_token(by=owner, name="Reads", scopes=["agents:read"])
        headers = {"Authorization": f"Bearer {secret}"}
        assert send(client, "GET", URL, **headers).status_code == 200
        assert send(client, "PATCH", f"{URL}{skill.pk}/", {"body": "x"}, **headers)["X-Error-Code"] == "insufficient_scope"


class TestChanges:
    def test_keep_what_is_not_named(self, as_owner: Client, skill: Skill) -> None:
        sent = {"body": "Be brief.", "files": {"a.md": None, "c.md": "C"}, "note": "Brief"}
        answer = send(as_owner, "PATCH", f"{URL}{skill.pk}/", sent).json()
        assert (answer["version"], [file["path"] for file in answer["files"]]) == (2, ["b.bin", "c.md"])
        assert "license: MIT" in answer["text"]
        assert queries.versions_of(skill)[0].note == "Brief"

    def test_of_nothing_make_no_version(self, as_owner: Client, skill: Skill) -> None:
        assert send(as_owner, "PATCH", f"{URL}{skill.pk}/", {"body": "Be kind."}).json()["version"] == 1
        assert send(as_owner, "PATCH", f"{URL}{skill.pk}/", {}).status_code == 422

    def test_are_not_saved_over_those_of_others(self, as_owner: Client, skill: Skill, owner: User) -> None:
        actions.save_skill(skill=skill, files={}, by=owner)
        answer = send(as_owner, "PATCH", f"{URL}{skill.pk}/", {"body": "x", "version": 1})
        assert (answer.status_code, answer["X-Error-Code"]) == (409, "skill_changed")


class TestFiles:
    def test_are_read_one_by_one(self, as_owner: Client, skill: Skill) -> None:
        url = f"{URL}{skill.pk}/file/?path="
        assert send(as_owner, "GET", url + "a.md").json() == {"path": "a.md", "size": 1, "is_text": True, "text": "A"}
        assert send(as_owner, "GET", url + "b.bin").json()["text"] is None
        assert send(as_owner, "GET", url + "../a.md")["X-Error-Code"] == "file_not_found"


class TestVersions:
    def test_are_listed_and_restored(self, as_owner: Client, skill: Skill) -> None:
        send(as_owner, "PATCH", f"{URL}{skill.pk}/", {"body": "Be brief."})
        versions = send(as_owner, "GET", f"{URL}{skill.pk}/versions/").json()["versions"]
        assert [each["number"] for each in versions] == [2, 1]
        answer = send(as_owner, "POST", f"{URL}{skill.pk}/versions/1/restore/")
        assert (answer.status_code, answer.json()["number"]) == (201, 3)
        assert answer.json()["text"] == versions[1]["text"]
        assert send(as_owner, "POST", f"{URL}{skill.pk}/versions/9/restore/").status_code == 404
