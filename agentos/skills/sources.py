"""Skills out of the packages of ``AGENTOS_SKILLS``: each folder of one that has a SKILL.md is a skill for everybody, written over at every
start. They are looked for and read; nothing of them is run.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib import util
from pathlib import Path

from django.db import transaction

from agentos.audit.actions import record
from agentos.skills import actions, packing, queries
from agentos.skills.errors import BadSkill, NothingNew, SkillError
from agentos.skills.models import Skill
from agentos.skills.packing import Package


@dataclass(frozen=True, slots=True)
class Source:
    """What a package has. ``trouble``: why it has nothing, as a sentence for the operator."""

    name: str
    packages: Sequence[Package] = ()
    trouble: str = ""


@dataclass
class Synced:
    """Names of skills, and ``notes`` for the operator."""

    made: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def load(names: Iterable[str]) -> list[Source]:
    """Read the packages. Never raises."""
    return [_source(name) for name in names]


def has_rows() -> bool:
    return Skill.objects.exclude(source="").exists()


@transaction.atomic
def sync(found: Iterable[Source]) -> Synced:
    """Write the rows. Those of a package that cannot be read stay as they are; a skill that its package has no more belongs to the
    operators from then on."""
    synced = Synced()
    rows = {row.name: row for row in Skill.objects.select_for_update(of=("self",)).filter(team=None).order_by("pk")}
    seen: set[str] = set()
    for source in found:
        if source.trouble:
            synced.notes.append(source.trouble)
            seen.update(name for name, row in rows.items() if row.source == source.name)
        for package in source.packages:
            name = package.document.name
            if name in seen:
                synced.notes.append(f"The skill {name} of {source.name} is left out: another package has one of that name.")
                continue
            seen.add(name)
            _write(package, rows.get(name), source.name, synced)
    for name, row in rows.items():
        if row.source and name not in seen:
            row.source = ""
            row.save(update_fields=["source"])
            record("skills.skill.gone", by=None, object_type="skill", object_id=str(row.pk), name=name)
            synced.gone.append(name)
    return synced


def _write(package: Package, row: Skill | None, source: str, synced: Synced) -> None:
    name = package.document.name
    if row is None:
        actions.add_from_module(package=package, source=source, by=None)
        synced.made.append(name)
        return
    if row.source != source and not _is_what_it_was(row, package):
        synced.notes.append(f"The skill {name} of {source} is left out: there is another one of that name.")
        return
    if row.source != source:
        row.source = source
        row.save(update_fields=["source"])
    try:
        actions.save_skill(skill=row, document=package.document, files=package.files, note=f"From {source}.", by=None)
    except NothingNew:
        return
    except SkillError as error:
        synced.notes.append(f"The skill {name} of {source} is left out: {error.sentence}")
        return
    synced.changed.append(name)


def _is_what_it_was(row: Skill, package: Package) -> bool:
    """Whether a skill that nobody's module has is the one of this package, which comes back."""
    version = queries.newest(row)
    return version.text == package.document.text and queries.files_of(version) == packing.checked_files(package.files)


def _source(name: str) -> Source:
    try:
        spec = util.find_spec(name)
        folders = list(spec.submodule_search_locations or ()) if spec else []
        if not folders:
            return Source(name, trouble=f"The skills of {name} are not there: there is no package of that name.")
        return Source(name, packing.from_folder(Path(folders[0])))
    except BadSkill as error:
        return Source(name, trouble=f"The skills of {name} are not there: {error.sentence}")
    except Exception as error:  # noqa: BLE001 - whatever the package above it raises
        return Source(name, trouble=f"The skills of {name} are not there: {type(error).__name__}: {error}")
