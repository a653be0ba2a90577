"""Who may do what with skills, their versions, and that a file is kept once."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from agentos.access.models import Membership, Team, User
from agentos.audit.models import AuditRecord
from agentos.skills import actions, queries
from agentos.skills.document import composed
from agentos.skills.errors import BadSkill, FromModule, NothingNew, NotYourSkill, SameName, SkillMoved, TooManySkills
from agentos.skills.models import Skill, SkillFile, SkillVersion
from agentos.skills.packing import Package
from tests.factories import MembershipFactory, SkillFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db


def doc(name: str = "brand-voice", body: str = "Be brief.") -> Any:
    return composed(name=name, description="How we write.", body=body)


def made(by: User, team: Team | None = None, **more: Any) -> Skill:
    return actions.create_skill(document=doc(), team=team, by=by, **more)


def verbs(skill: Skill) -> list[str]:
    return list(AuditRecord.objects.filter(object_type="skill", object_id=str(skill.pk)).order_by("pk").values_list("verb", flat=True))


class TestRights:
    def test_are_those_of_owners_and_admins_for_their_team(
        self, owner: User, member: User, stranger: User, operator: User, support: Team
    ) -> None:
        admin: User = UserFactory()
        MembershipFactory(team=support, user=admin, role=Membership.Role.ADMIN)
        makers: list[User] = [owner, admin, operator]
        for number, maker in enumerate(makers):
            skill = actions.create_skill(document=doc(f"skill-{number}"), team=support, by=maker)
            assert queries.may_edit(maker, skill)
            actions.save_skill(skill=skill, document=doc(f"skill-{number}", "Be long."), by=owner)
        for other in (member, stranger):
            assert not queries.makes_skills(other)
            with pytest.raises(NotYourSkill):
                made(other, support)
            with pytest.raises(NotYourSkill):
                actions.save_skill(skill=skill, document=doc(), by=other)
            with pytest.raises(NotYourSkill):
                actions.delete_skill(skill=skill, by=other)

    def test_for_everybody_are_the_operators_alone(self, owner: User, operator: User, support: Team) -> None:
        with pytest.raises(NotYourSkill):
            made(owner)
        everybodys = made(operator)
        with pytest.raises(NotYourSkill):
            actions.save_skill(skill=everybodys, document=doc(body="x"), by=owner)
        ours = made(owner, support)
        with pytest.raises(NotYourSkill):
            actions.share_skill(skill=ours, team=None, by=owner)
        with pytest.raises(NotYourSkill):
            actions.share_skill(skill=ours, team=TeamFactory(), by=owner)

    def test_end_with_the_role(self, owner: User, support: Team) -> None:
        skill = made(owner, support)
        Membership.objects.filter(user=owner).update(role=Membership.Role.MEMBER)
        with pytest.raises(NotYourSkill):
            actions.restore_version(skill=skill, number=1, by=owner)

    def test_say_which_are_listed(self, owner: User, operator: User, support: Team) -> None:
        ours, everybodys, theirs = SkillFactory(team=support), SkillFactory(), SkillFactory(team=TeamFactory())
        assert set(queries.listed_skills(owner)) == {ours, everybodys}
        assert set(queries.listed_skills(operator)) == {ours, everybodys, theirs}
        assert set(queries.skills_to_edit(owner)) == {ours}
        assert list(queries.listed_skills(owner, ours.name)) == [ours]


class TestNames:
    def test_are_there_once_a_team(self, owner: User, operator: User, support: Team) -> None:
        made(operator)
        made(owner, support)
        made(operator, TeamFactory())
        for team in (None, support):
            with pytest.raises(SameName) as refused:
                made(operator, team)
            assert refused.value.field == "name"
        assert Skill.objects.count() == 3

    def test_change_with_what_is_saved(self, owner: User, support: Team) -> None:
        skill, other = made(owner, support), SkillFactory(team=support)
        actions.save_skill(skill=skill, document=doc("voice"), by=owner)
        skill.refresh_from_db()
        assert skill.name == "voice"
        with pytest.raises(SameName):
            actions.save_skill(skill=skill, document=doc(other.name), by=owner)

    def test_are_asked_again_when_it_goes_to_another_team(self, operator: User, support: Team) -> None:
        skill = made(operator)
        made(operator, support)
        with pytest.raises(SameName):
            actions.share_skill(skill=skill, team=support, by=operator)
        assert actions.share_skill(skill=skill, team=TeamFactory(), by=operator).team is not None


class TestVersions:
    def test_are_made_by_every_save(self, owner: User, support: Team) -> None:
        skill = made(owner, support, files={"a.md": b"A"})
        actions.save_skill(skill=skill, document=doc(body="Be long."), note=" Longer \n now ", base=1, by=owner)
        actions.save_skill(skill=skill, files={"a.md": b"A", "b.bin": b"\0"}, by=owner)
        skill.refresh_from_db()
        third, second, first = queries.versions_of(skill)
        assert [third.number, second.number, first.number] == [3, 2, 1]
        assert (second.note, second.by, second.listed) == ("Longer now", owner, [{"path": "a.md", "size": 1, "is_text": True}])
        assert third.text == second.text != first.text
        assert queries.files_of(third) == {"a.md": b"A", "b.bin": b"\0"}
        assert third.listed[1] == {"path": "b.bin", "size": 1, "is_text": False}
        assert SkillFile.objects.count() == 2
        assert verbs(skill) == ["skills.skill.created", "skills.version.saved", "skills.version.saved"]

    def test_are_not_made_of_nothing(self, owner: User, support: Team) -> None:
        skill = made(owner, support, files={"a.md": b"A"})
        with pytest.raises(NothingNew):
            actions.save_skill(skill=skill, document=doc(), files={"a.md": b"A"}, by=owner)
        with pytest.raises(NothingNew):
            actions.restore_version(skill=skill, number=1, by=owner)
        assert SkillVersion.objects.count() == 1

    def test_are_not_saved_over_those_of_others(self, owner: User, support: Team) -> None:
        skill = made(owner, support)
        actions.save_skill(skill=skill, document=doc(body="x"), by=owner)
        with pytest.raises(SkillMoved):
            actions.save_skill(skill=skill, document=doc(body="y"), base=1, by=owner)

    def test_come_back(self, owner: User, support: Team) -> None:
        skill = made(owner, support, files={"a.md": b"A"})
        actions.save_skill(skill=skill, document=doc("voice", "x"), files={}, by=owner)
        restored = actions.restore_version(skill=skill, number=1, by=owner)
        skill.refresh_from_db()
        assert (restored.number, restored.note, restored.text, skill.name) == (3, "As version 1 was.", doc().text, "brand-voice")
        assert queries.files_of(restored) == {"a.md": b"A"}
        with pytest.raises(SkillVersion.DoesNotExist):
            actions.restore_version(skill=skill, number=9, by=owner)

    def test_are_all_or_nothing(self, operator: User, support: Team) -> None:
        made(operator, support)
        with pytest.raises(SameName):
            actions.import_skills(packages=[Package(doc("new-one")), Package(doc())], team=support, by=operator)
        with pytest.raises(BadSkill):
            made(operator, None, files={"../x": b""})
        assert Skill.objects.count() == 1

    def test_have_a_limit(self, operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(actions, "SKILLS", 1)
        made(operator)
        with pytest.raises(TooManySkills):
            actions.create_skill(document=doc("other"), by=operator)


class TestDeleting:
    def test_takes_all_of_it(self, owner: User, support: Team) -> None:
        skill = made(owner, support, files={"a.md": b"A"})
        actions.delete_skill(skill=skill, by=owner)
        assert not Skill.objects.exists()
        assert not SkillFile.objects.exists()
        assert verbs(skill)[-1] == "skills.skill.deleted"


class TestModules:
    def test_are_changed_there_alone(self, operator: User) -> None:
        skill = SkillFactory(source="acme.skills")
        for change in (
            lambda: actions.save_skill(skill=skill, document=doc(), by=operator),
            lambda: actions.delete_skill(skill=skill, by=operator),
            lambda: actions.share_skill(skill=skill, team=None, by=operator),
            lambda: actions.restore_version(skill=skill, number=1, by=operator),
        ):
            with pytest.raises(FromModule, match=r"acme\.skills"):
                change()


class TestCommand:
    def test_brings_a_folder_and_writes_a_zip(self, tmp_path: Any, operator: User, support: Team, capsys: Any) -> None:
        (tmp_path / "in" / "voice").mkdir(parents=True)
        (tmp_path / "in" / "voice" / "SKILL.md").write_text(doc("voice").text)
        call_command("agentos_skills", "import", str(tmp_path / "in"), "--team", "Support")
        assert Skill.objects.get().team == support
        call_command("agentos_skills", "export", "voice", str(tmp_path / "voice.zip"), "--team", "Support")
        call_command("agentos_skills", "import", str(tmp_path / "voice.zip"))
        assert [skill.team for skill in Skill.objects.order_by("pk")] == [support, None]
        assert "New: voice" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (("import", "/nowhere"), "cannot be read"),
            (("import", "/nowhere/none.zip", "--team", "No"), "cannot be read"),
            (("export", "nothing"), "There is no skill"),
        ],
    )
    def test_says_what_is_wrong(self, words: tuple[str, ...], sentence: str, operator: User) -> None:
        with pytest.raises(CommandError, match=sentence):
            call_command("agentos_skills", *words)

    def test_refuses_what_is_no_skill(self, tmp_path: Any, operator: User) -> None:
        with pytest.raises(CommandError, match=r"no SKILL\.md"):
            call_command("agentos_skills", "import", str(tmp_path))
