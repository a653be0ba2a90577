"""The pages of skills: what is typed, brought and taken away, and that what others wrote is shown as text."""

import io
import zipfile
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agentos.access.models import Team, User
from agentos.skills import actions, packing, queries
from agentos.skills.models import Skill
from tests.factories import AgentFactory, MembershipFactory, SkillFactory, TeamFactory
from tests.html import page

pytestmark = pytest.mark.django_db

HOME = "/agentos/workshop/skills/"
FORM = {"name": "brand-voice", "description": "How we write.", "body": "Be brief."}
EVIL = "---\nname: evil\ndescription: <img src=x onerror=alert(1)>\n---\n\n<script>alert(1)</script>\n\n[x](javascript:alert(1))\n"


def url(skill: Skill, *more: str) -> str:
    return "/".join([HOME.rstrip("/"), str(skill.pk), *more, ""])


def zipped(**files: str | bytes) -> SimpleUploadedFile:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, data in files.items():
            archive.writestr(path.replace("__", "/").replace("_md", ".md"), data)
    return SimpleUploadedFile("skill.zip", out.getvalue())


@pytest.fixture
def skill(owner: User, support: Team) -> Skill:
    package = packing.from_zip(
        zipped(voice__SKILL_md="---\nname: voice\ndescription: How we write.\nlicense: MIT\n---\nBe kind.\n").read()
    )[0]
    return actions.create_skill(document=package.document, team=support, files={"a.md": b"A", "b.bin": b"\0"}, by=owner)


def newest(skill: Skill) -> Any:
    skill.refresh_from_db()
    return queries.newest(skill)


class TestMaking:
    def test_makes_one_for_the_team(self, as_owner: Client, support: Team) -> None:
        answer = as_owner.post(HOME + "new/", FORM)
        made = Skill.objects.get()
        assert (answer.status_code, answer.headers["Location"]) == (303, url(made))
        assert (made.name, made.team) == ("brand-voice", support)
        assert "brand-voice" in page(as_owner.get(HOME)).text(".made-agents")

    @pytest.mark.parametrize(
        ("sent", "field"),
        [
            ({"name": "Brand Voice"}, "#skill-name-error"),
            ({"description": ""}, "#skill-description-error"),
            ({"body": " "}, "#skill-body-error"),
            ({"body": "x" * 100_001}, "#skill-body-error"),
            ({"rest": "a: 'b"}, "#skill-body-error"),
            ({"rest": "name: x"}, "#skill-rest-error"),
        ],
    )
    def test_says_what_is_wrong_and_loses_nothing(self, as_owner: Client, sent: dict[str, str], field: str) -> None:
        wanted = {**FORM, "rest": "license: MIT", **sent}
        answer = as_owner.post(HOME + "new/", wanted)
        found = page(answer)
        assert (answer.status_code, len(found.texts(field))) == (422, 1)
        assert found.one("#skill-name")["value"] == wanted["name"]
        for name in ("description", "body", "rest"):
            assert found.one(f"#skill-{name}").get_text().strip() == wanted[name].strip()
        assert not Skill.objects.exists()

    def test_of_a_name_that_is_there_is_refused(self, as_owner: Client, support: Team) -> None:
        SkillFactory(name="brand-voice", team=support)
        answer = as_owner.post(HOME + "new/", FORM)
        assert answer.status_code == 409
        assert "There is a skill “brand-voice” already" in page(answer).text("#skill-name-error")

    def test_asks_for_the_team_where_there_are_several(self, as_owner: Client, owner: User) -> None:
        second = TeamFactory()
        MembershipFactory(team=second, user=owner, role="admin")
        assert as_owner.post(HOME + "new/", FORM).status_code == 403
        assert as_owner.post(HOME + "new/", {**FORM, "team": second.pk}).status_code == 303
        assert Skill.objects.get().team == second

    def test_takes_no_team_of_others(self, as_owner: Client) -> None:
        assert as_owner.post(HOME + "new/", {**FORM, "team": TeamFactory().pk}).status_code == 403


class TestList:
    def test_asks_as_much_for_many(self, as_operator: Client) -> None:
        counts = []
        for _ in range(2):
            for _each in range(5):
                SkillFactory(team=TeamFactory())
            with CaptureQueriesContext(connection) as asked:
                as_operator.get(HOME)
            counts.append(len(asked))
        assert counts[0] == counts[1]

    def test_finds_by_words(self, as_operator: Client) -> None:
        SkillFactory(name="letters", description="To the archive.")
        SkillFactory(name="mails")
        assert page(as_operator.get(HOME + "?q=archive")).texts(".made-agent h3") == ["letters"]
        assert "No skills match" in page(as_operator.get(HOME + "?q=zzz")).text(".empty")


class TestEditing:
    def test_saves_a_version_and_keeps_the_other_keys(self, as_owner: Client, skill: Skill) -> None:
        found = page(as_owner.get(url(skill)))
        assert found.one("#skill-rest").get_text().strip() == "license: MIT"
        sent = {"name": "voice", "description": "How we write now.", "body": "Be kind.", "rest": "license: MIT", "base": "1", "note": "New"}
        assert as_owner.post(url(skill), sent).status_code == 303
        version = newest(skill)
        assert version.text == "---\nname: voice\ndescription: How we write now.\nlicense: MIT\n---\n\nBe kind.\n"
        assert (version.number, version.note, sorted(version.files)) == (2, "New", ["a.md", "b.bin"])

    def test_of_nothing_new_makes_no_version(self, as_owner: Client, skill: Skill) -> None:
        sent = {"name": "voice", "description": "How we write.", "body": "Be kind.\r\n", "rest": "license: MIT", "base": "1"}
        answer = as_owner.post(url(skill), sent, follow=True)
        assert "Nothing has changed since the last version." in page(answer).text("body")
        assert newest(skill).number == 1

    def test_takes_files_away_and_adds_some(self, as_owner: Client, skill: Skill) -> None:
        files = [SimpleUploadedFile("words.md", b"Say you."), SimpleUploadedFile("a.md", b"New A")]
        sent = {**FORM, "base": "1", "remove": "b.bin", "folder": "references"}
        as_owner.post(url(skill), {**sent, "files": files})
        assert queries.files_of(newest(skill)) == {"a.md": b"A", "references/words.md": b"Say you.", "references/a.md": b"New A"}

    def test_takes_no_file_that_leads_out(self, as_owner: Client, skill: Skill) -> None:
        answer = as_owner.post(url(skill), {**FORM, "base": "1", "folder": "../..", "files": SimpleUploadedFile("x.md", b"x")})
        assert answer.status_code == 422
        found = page(answer)
        assert "cannot be called" in found.text("#skill-files-error")
        assert found.one("#skill-body").get_text().strip() == "Be brief."
        assert newest(skill).number == 1

    def test_over_what_somebody_else_has_saved_is_told(self, as_owner: Client, skill: Skill, operator: User) -> None:
        actions.save_skill(skill=skill, files={}, by=operator)
        answer = as_owner.post(url(skill), {**FORM, "base": "1"})
        found = page(answer)
        assert answer.status_code == 409
        assert "Somebody else has saved this skill" in found.text("#save-error")
        assert found.one("#skill-body").get_text().strip() == "Be brief."
        again = found.one("input[name=base]")["value"]
        assert as_owner.post(url(skill), {**FORM, "base": again}).status_code == 303

    def test_is_not_offered_for_what_is_everybodys(self, as_owner: Client) -> None:
        everybodys = SkillFactory(name="plain", first="See <b>this</b>")
        found = page(as_owner.get(url(everybodys)))
        assert not found.has("#save-skill")
        assert "See <b>this</b>" in found.text(".prose")
        assert as_owner.post(url(everybodys), {**FORM, "base": "1"}).status_code == 403

    def test_is_not_offered_for_what_a_module_has(self, as_operator: Client) -> None:
        skill = SkillFactory(source="acme.skills")
        found = page(as_operator.get(url(skill)))
        assert not found.has("#save-skill")
        assert "From the module acme.skills" in found.text(".agent-head")
        assert as_operator.post(url(skill), {**FORM, "base": "1"}).status_code == 409

    def test_names_the_agents_that_have_it(self, as_owner: Client, skill: Skill, support: Team) -> None:
        AgentFactory(name="Writer", team=support, skills=["voice"])
        AgentFactory(name="Somebody's", skills=["voice"])
        found = page(as_owner.get(url(skill)))
        assert found.texts("#agents-title ~ ul li") == ["Writer"]


class TestFiles:
    def test_are_shown_as_text_and_never_more(self, as_owner: Client, skill: Skill, owner: User) -> None:
        actions.save_skill(skill=skill, files={"x.html": b"<script>alert(1)</script>", "b.bin": b"\0"}, by=owner)
        found = page(as_owner.get(url(skill, "file") + "?path=x.html"))
        assert found.text("pre") == "<script>alert(1)</script>"
        assert "no text" in page(as_owner.get(url(skill, "file") + "?path=b.bin")).text("main")
        assert as_owner.get(url(skill, "file") + "?path=../../etc/passwd").status_code == 404

    def test_go_out_as_a_zip_and_come_back(self, as_owner: Client, skill: Skill) -> None:
        answer = as_owner.get(url(skill, "export"))
        assert answer["Content-Disposition"] == 'attachment; filename="voice.zip"'
        (package,) = packing.from_zip(answer.content)
        assert package.files == {"a.md": b"A", "b.bin": b"\0"}
        assert package.document.text == newest(skill).text


class TestZip:
    def test_brings_what_others_wrote_and_shows_it_as_text(self, as_owner: Client) -> None:
        assert as_owner.post(HOME + "import/", {"file": zipped(evil__SKILL_md=EVIL, evil__run_md="x")}).status_code == 303
        skill = Skill.objects.get()
        for at in (HOME, url(skill), url(skill, "versions", "1")):
            html = as_owner.get(at).content.decode()
            assert "<img src=x" not in html
            assert "<script>alert" not in html
            assert 'href="javascript' not in html
        assert newest(skill).text == EVIL

    def test_brings_several(self, as_owner: Client) -> None:
        text = "---\nname: {}\ndescription: X.\n---\nDo it.\n"
        answer = as_owner.post(HOME + "import/", {"file": zipped(a__SKILL_md=text.format("a"), b__SKILL_md=text.format("b"))})
        assert answer.headers["Location"] == HOME
        assert Skill.objects.count() == 2

    @pytest.mark.parametrize(
        ("file", "status", "sentence"),
        [
            (None, 422, "Choose a zip first."),
            (SimpleUploadedFile("a.zip", b"no zip"), 422, "is no zip"),
            (zipped(README_md="Hello"), 422, "There is no SKILL.md"),
            (zipped(SKILL_md="# Hello"), 422, "has no front matter"),
            (SimpleUploadedFile("a.zip", b"x" * 1_100_000), 413, "at most 1 MB"),
        ],
    )
    def test_that_cannot_be_taken_gets_a_sentence(self, as_owner: Client, skill: Skill, file: Any, status: int, sentence: str) -> None:
        for at in (HOME + "import/", url(skill, "zip")):
            if file:
                file.seek(0)
            answer = as_owner.post(at, {"file": file} if file else {})
            assert answer.status_code == status
            assert sentence in page(answer).text("#skill-zip-error")
        assert Skill.objects.count() == 1

    def test_becomes_a_version(self, as_owner: Client, skill: Skill) -> None:
        text = "---\nname: voice\ndescription: New.\n---\nDo it.\n"
        assert as_owner.post(url(skill, "zip"), {"file": zipped(SKILL_md=text, c_md="C")}).status_code == 303
        assert (newest(skill).number, list(newest(skill).files)) == (2, ["c.md"])


class TestVersions:
    def test_are_listed_compared_and_restored(self, as_owner: Client, skill: Skill, owner: User) -> None:
        actions.save_skill(skill=skill, files={"a.md": b"A\nB"}, note="More", by=owner)
        assert page(as_owner.get(url(skill, "versions"))).texts(".row-card a") == ["Version 2", "Version 1"]
        found = page(as_owner.get(url(skill, "versions", "2")))
        assert found.texts(".change h3") == ["a.md", "b.bin"]
        assert found.texts(".change ins") == ["B"]
        assert found.texts(".change del")[0].startswith("A file of 1 bytes")
        assert page(as_owner.get(url(skill, "versions", "1"))).has("#restore")
        as_owner.post(url(skill, "versions", "1", "restore"))
        assert sorted(newest(skill).files) == ["a.md", "b.bin"]
        assert as_owner.get(url(skill, "versions", "9")).status_code == 404
        assert as_owner.post(url(skill, "versions", "9", "restore")).status_code == 404


class TestEnd:
    def test_is_asked_for_and_final(self, as_owner: Client, skill: Skill) -> None:
        assert page(as_owner.get(url(skill))).has("#delete form")
        assert as_owner.post(url(skill, "delete")).headers["Location"] == HOME
        assert not Skill.objects.exists()

    def test_is_to_belong_to_another_team(self, as_operator: Client, skill: Skill) -> None:
        other = TeamFactory()
        as_operator.post(url(skill, "share"), {"team": other.pk})
        skill.refresh_from_db()
        assert skill.team == other
        SkillFactory(name="voice")
        answer = as_operator.post(url(skill, "share"), {"team": ""})
        assert answer.status_code == 409
        assert "There is a skill “voice” already" in page(answer).text("#share-title ~ .error")
