"""Reading the skills of an agent. Models are told their names and what they are for, and read the rest when they need it; nothing that a
skill brings along is run. An agent has this tool by having skills: nobody chooses it."""

from collections.abc import Collection, Sequence

from agentos.agents.tools.definition import CallContext, Refused, current, tool
from agentos.core import db
from agentos.core.text import parts_of, shorten
from agentos.skills import queries
from agentos.skills.document import FILE
from agentos.skills.packing import said_of
from agentos.skills.queries import ChosenSkill, Content

PAGE = 15_000  # characters
LIST_LIMIT = 12_000  # characters of all descriptions together
FILES_LISTED = 50

HOW = (
    "You have skills: what people have written down on how some work is done. When one fits what you are asked, and always when a message "
    "names one like /name, call read_skill with its name before anything else, and then do as it says. Your skills:"
)
NOT_RUN = "Nothing of a skill is run here: what is in scripts is there to be read."


def listed(skills: Sequence[ChosenSkill]) -> str:
    """Return what stands in the instructions of an agent with these skills; nothing without."""
    if not skills:
        return ""
    most = max(60, LIST_LIMIT // len(skills))
    return "\n".join([HOW, *(f"- {skill.name}: {shorten(skill.description, most)}" for skill in skills)])


@tool("Skill", slug="skills", description="Reads the skills that it was given.", group="Skills")
async def read_skill(name: str, file: str = "", page: int = 1) -> str:
    """Read one of your skills, or a file of it.

    Args:
        name: Its name, as your instructions list it.
        file: A file that the skill names, for example references/forms.md. Without it, the skill itself.
        page: Which part of a long text, from 1 on.
    """
    context = current.get()
    name = name.strip().removeprefix("/")
    pk = context.skills.get(name)
    content = None if pk is None else await db.read(queries.content_of, pk)
    if pk is None or content is None:
        raise Refused(_no_such_skill(name, context))
    path = file.strip().removeprefix("./")
    text = content.text if path in {"", FILE} else await _file(pk, content, path)
    parts = parts_of(text, PAGE)
    if not 1 <= page <= len(parts):
        raise Refused(f"It has {len(parts)} {'parts' if len(parts) > 1 else 'part'}, so there is no page {page}.")
    head = [f"Skill {content.name}, version {content.version}" + (f", {path}" if path else "")]
    if content.files and not path:
        head += [f"Its files: {_files(content)}", NOT_RUN]
    if len(parts) > 1:
        head.append(f"Page {page} of {len(parts)}")
    return "\n".join([*head, "", parts[page - 1]])


async def _file(pk: int, content: Content, path: str) -> str:
    if path not in content.files:
        there = f"Its files: {_files(content)}" if content.files else "It has no files."
        raise Refused(f"The skill {content.name} has no file {path[:80]!r}. {there}")
    _size, is_text = content.files[path]
    data = await db.read(queries.file_of, pk, path) if is_text else None
    if data is None:
        raise Refused(f"{path} is no text, so it cannot be read.")
    return data.decode("utf-8", "replace")


def _files(content: Content) -> str:
    paths: Collection[str] = [path if is_text else f"{path} (no text)" for path, (_size, is_text) in content.files.items()]
    more = len(paths) - FILES_LISTED
    return ", ".join([*list(paths)[:FILES_LISTED], *([f"and {more} more"] if more > 0 else [])])


def _no_such_skill(name: str, context: CallContext) -> str:
    known = said_of(context.skills)
    return f"You have no skill {name[:80]!r}. You have: {known}." if known else "You have no skills."
