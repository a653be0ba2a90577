"""Chats from elsewhere."""

from functools import partial

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from agentos.access.users import User
from agentos.agents.models import DjangoAgent
from agentos.api import import_resources as nouns
from agentos.api.auth import ApiRequest
from agentos.api.errors import CHANGE
from agentos.api.scopes import ScopedRouter
from agentos.chat.files import attachment_for
from agentos.chat.importing.bringing import Report, bring_away, preview
from agentos.chat.importing.reading import read_kept
from agentos.core import db
from agentos.core.http.deferred import deferred
from agentos.files.errors import NoSuchFile
from agentos.files.models import Attachment
from agentos.service import AgentNotFound, AgentOSService

router = ScopedRouter(tags=["Sessions"])


@router.post(
    "/imports/",
    url_name="imports",
    operation_id="import_chats",
    response={200: nouns.ImportReport, **CHANGE},
    summary="Import chats",
)
def import_chats(request: ApiRequest, payload: nouns.ImportChatsIn) -> HttpResponseBase:
    """Of an export of ChatGPT, Open WebUI, LibreChat, Claude or AgentOS, which was sent to `/files/` before. With `preview` it only says
    what would come. The same file again brings what is not here; a chat comes whole or not at all."""
    agent = AgentOSService(request.auth).get_agent_by_id(payload.agent_id) if payload.agent_id else None
    if agent is None and not (payload.preview and not payload.agent_id):
        raise AgentNotFound
    file = attachment_for(request.auth, payload.file)
    if file is None:
        raise NoSuchFile
    return deferred(request, partial(_import, request.auth, file, agent, archive=payload.archive, is_preview=payload.preview))


async def _import(user: User, file: Attachment, agent: DjangoAgent | None, *, archive: bool, is_preview: bool) -> HttpResponse:
    given = await read_kept(file)
    if is_preview or agent is None:
        report = await db.read(preview, given, user)
    else:
        report = await bring_away(given=given, agent=agent, by=user, archive=archive)
    said = _said(report, is_preview=is_preview).model_dump_json()
    return HttpResponse(said, content_type="application/json; charset=utf-8")


def _said(report: Report, *, is_preview: bool) -> nouns.ImportReport:
    kinds = [kind for kind, count in report.left_out.counts.items() if count]
    rows = zip(kinds, report.left_out.sentences(), strict=True)
    left = [nouns.LeftOut(kind=kind, count=report.left_out.counts[kind], what=what, examples=examples) for kind, (what, examples) in rows]
    names = ("sources", "chats", "messages", "known", "first", "last", "titles")
    return nouns.ImportReport(
        preview=is_preview, trouble=report.trouble or None, left_out=left, **{name: getattr(report, name) for name in names}
    )
