"""Skills out of packages: found without running them, written over at every start."""

from pathlib import Path
from typing import Any

import pytest

from agentos.skills import queries, sources
from agentos.skills.models import Skill
from tests.factories import SkillFactory

pytestmark = pytest.mark.django_db

TEXT = "---\nname: {}\ndescription: Says what.\n---\n\n{}\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "acme_house" / "skills"
    (folder / "voice").mkdir(parents=True)
    (folder / "voice" / "SKILL.md").write_text(TEXT.format("voice", "Be brief."))
    (folder / "voice" / "run.py").write_text("raise SystemExit")
    (folder / "__init__.py").write_text("raise SystemExit('a skill was run')")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def sync(*names: str) -> sources.Synced:
    return sources.sync(sources.load(names))


NAME = "acme_house.skills"


class TestSync:
    def test_makes_them_everybodys_and_runs_nothing(self, package: Path) -> None:
        assert sync(NAME).made == ["voice"]
        skill = Skill.objects.get()
        assert (skill.name, skill.team, skill.source, skill.version) == ("voice", None, NAME, 1)
        assert queries.files_of(queries.newest(skill)) == {"run.py": b"raise SystemExit"}
        assert sync(NAME) == sources.Synced()
        assert sources.has_rows()

    def test_makes_a_version_of_what_has_changed(self, package: Path) -> None:
        sync(NAME)
        (package / "voice" / "SKILL.md").write_text(TEXT.format("voice", "Be long."))
        assert sync(NAME).changed == ["voice"]
        version = queries.newest(Skill.objects.get())
        assert (version.number, version.note, version.by) == (2, f"From {NAME}.", None)

    def test_gives_what_is_gone_to_the_operators_and_takes_it_back(self, package: Path) -> None:
        sync(NAME)
        assert sync().gone == ["voice"]
        assert Skill.objects.get().source == ""
        assert sync(NAME).notes == []
        assert Skill.objects.get().source == NAME

    def test_leaves_what_operators_made(self, package: Path) -> None:
        mine = SkillFactory(name="voice")
        (note,) = sync(NAME).notes
        assert "there is another one of that name" in note
        assert Skill.objects.get() == mine

    def test_keeps_those_of_a_package_that_is_broken(self, package: Path) -> None:
        sync(NAME)
        (package / "voice" / "SKILL.md").write_text("nothing")
        synced = sync(NAME)
        assert "voice: SKILL.md has no front matter" in synced.notes[0]
        assert Skill.objects.get().source == NAME

    @pytest.mark.parametrize("name", ["nowhere", "nowhere.skills", "json", "not a name", ""])
    def test_says_what_cannot_be_found(self, name: str) -> None:
        synced = sync(name)
        assert f"The skills of {name} are not there" in synced.notes[0]

    def test_takes_one_of_each_name(self, package: Path, tmp_path: Path, monkeypatch: Any) -> None:
        other = tmp_path / "acme_other" / "voice"
        other.mkdir(parents=True)
        (other / "SKILL.md").write_text(TEXT.format("voice", "Other."))
        synced = sync(NAME, "acme_other")
        assert "another package has one of that name" in synced.notes[0]
        assert Skill.objects.get().source == NAME
