"""Reading on in a file that came with a message of this chat: a long one is told by its outline and its beginning. An agent has this tool
where there is such a file: nobody chooses it."""

from agentos.agents.tools.definition import Refused, current, tool
from agentos.core.reading.documents import File, UnreadableFile
from agentos.core.text import parts_of
from agentos.files.errors import NotReached

PAGE = 12_000  # characters


@tool("Attached file", slug="read-attachment", description="Reads on in a long file of the chat.", group="Files")
async def read_attachment(file: str, page: int = 1) -> str:
    """Read a file that the user attached to a message of this chat.

    Args:
        file: Its id, or its name.
        page: Which page, slide or sheet to begin at, from 1 on. As many as fit are read.
    """
    attached = current.get().attached
    wanted = file.strip()
    found = next((each for each in attached if wanted in {each.file_id, each.name}), None)
    if found is None:
        raise Refused(f"There is no file {wanted[:80]!r} here. There is: {', '.join(each.name for each in attached) or 'none'}.")
    kept = current.get().kept
    key = f"attached {found.file_id}"
    if key not in kept:
        try:
            kept[key] = await found.read()
        except (UnreadableFile, NotReached) as error:
            raise Refused(str(error)) from None
    document: File = kept[key]
    if not 1 <= page <= len(document.pages):
        raise Refused(f"It has {len(document.pages)} {document.unit}s, so there is no {document.unit} {page}.")
    told: list[str] = []
    room, last = PAGE, page
    for each in document.pages[page - 1 :]:
        if told and len(each.text) > room:
            break
        told.append(f"[{each.label or f'{document.unit} {each.number}'}]\n{parts_of(each.text, PAGE)[0] if each.text else ''}")
        room, last = room - len(each.text), each.number
    more = f"\n\nIt goes on at {document.unit} {last + 1} of {len(document.pages)}." if last < len(document.pages) else ""
    return f"{found.name}, {document.unit} {page}{f' to {last}' if last > page else ''}\n\n" + "\n\n".join(told) + more
