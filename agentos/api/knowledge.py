"""Knowledge bases: find, make, change, delete; their documents; and searching them."""

from functools import partial
from typing import Annotated, Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from ninja import Path, Query

from agentos.access.users import User
from agentos.api import knowledge_resources as nouns
from agentos.api.auth import ApiRequest
from agentos.api.errors import CHANGE, FIND, READ
from agentos.api.files import BYTES, Name
from agentos.api.parameters import IdempotencyKey
from agentos.api.schemas import PAGE_LIMIT
from agentos.api.scopes import ScopedRouter
from agentos.api.workshop import TeamNotFound
from agentos.chat.files import attachment_for
from agentos.chat.idempotency import once
from agentos.core import db
from agentos.core.http.deferred import deferred
from agentos.core.http.errors import Problem
from agentos.core.http.paging import page_of
from agentos.files.actions import discard
from agentos.files.errors import NoSuchFile
from agentos.files.keeping import keep_bytes_away
from agentos.knowledge import actions, queries
from agentos.knowledge.errors import BadKnowledge
from agentos.knowledge.models import Base, Document, scope_of
from agentos.knowledge.searching import Question, search

A_PAGE = 50
HITS = 8

router = ScopedRouter(tags=["Knowledge"])

BaseId = Annotated[int, Path(..., ge=1, le=1_000_000_000, example=nouns.BASE_ID)]
DocumentId = Annotated[int, Path(..., ge=1, le=1_000_000_000, example=nouns.DOCUMENT_ID)]
PageNumber = Annotated[int, Query(1, ge=1, le=PAGE_LIMIT, description="Which page of 50.")]


class BaseNotFound(Problem):
    def __init__(self) -> None:
        super().__init__(404, "There is no such knowledge base, or you may not read it.", code="base_not_found")


class DocumentNotFound(Problem):
    def __init__(self) -> None:
        super().__init__(404, "There is no such document, or you may not read it.", code="document_not_found")


@router.get(
    "/knowledge/",
    url_name="knowledge",
    operation_id="knowledge",
    response={200: nouns.BaseList, **READ},
    summary="Knowledge bases that I may read",
)
def knowledge(request: ApiRequest, page: PageNumber) -> nouns.BaseList:
    """Your own, those of your teams, and those of everyone."""
    found = page_of(queries.listed_bases(request.auth), page, A_PAGE)
    return nouns.BaseList(bases=[nouns.Base(**_fields(base)) for base in found.rows], next=page + 1 if page < found.pages else None)


@router.post(
    "/knowledge/",
    url_name="knowledge",
    operation_id="create_base",
    response={201: nouns.Base, **CHANGE},
    summary="Make a knowledge base",
)
def create_base(request: ApiRequest, payload: nouns.BaseIn) -> HttpResponse:
    team = None
    if payload.scope == "team" or payload.team is not None:
        team = queries.teams_to_make_for(request.auth).filter(pk=payload.team or 0).first()
        if team is None:
            raise TeamNotFound
    made = actions.create_base(name=payload.name, description=payload.description, scope=payload.scope, team=team, by=request.auth)
    return _created(nouns.Base(**_fields(_seen(request, made.pk))), reverse("api:base", args=[made.pk]))


@router.get("/knowledge/{base_id}/", url_name="base", operation_id="base", response={200: nouns.Base, **FIND}, summary="One knowledge base")
def base(request: ApiRequest, base_id: BaseId) -> nouns.Base:
    return nouns.Base(**_fields(_seen(request, base_id)))


@router.patch(
    "/knowledge/{base_id}/",
    url_name="base",
    operation_id="update_base",
    response={200: nouns.Base, **CHANGE},
    summary="Change a knowledge base",
)
def update_base(request: ApiRequest, base_id: BaseId, payload: nouns.BaseChange) -> nouns.Base:
    actions.change_base(base=_seen(request, base_id), **payload.model_dump(exclude_unset=True), by=request.auth)
    return nouns.Base(**_fields(_seen(request, base_id)))


@router.delete(
    "/knowledge/{base_id}/",
    url_name="base",
    operation_id="delete_base",
    response={204: None, **FIND},
    summary="Delete a knowledge base",
)
def delete_base(request: ApiRequest, base_id: BaseId) -> HttpResponse:
    """With all its documents. Agents that have it go on without."""
    actions.delete_base(base=_seen(request, base_id), by=request.auth)
    return HttpResponse(status=204, content_type="application/json")


@router.get(
    "/knowledge/{base_id}/documents/",
    url_name="documents",
    operation_id="documents",
    response={200: nouns.DocumentList, **FIND},
    summary="The documents of a knowledge base",
)
def documents(request: ApiRequest, base_id: BaseId, page: PageNumber) -> nouns.DocumentList:
    found = page_of(queries.documents_of(_seen(request, base_id)), page, A_PAGE)
    more = page + 1 if page < found.pages else None
    return nouns.DocumentList(documents=[nouns.Document(**_about(document)) for document in found.rows], next=more)


@router.post(
    "/knowledge/{base_id}/documents/",
    url_name="documents",
    operation_id="add_document",
    response={201: nouns.Document, **CHANGE},
    summary="Add a text, a page of the web, or a file",
)
def add_document(request: ApiRequest, base_id: BaseId, payload: nouns.DocumentIn) -> HttpResponse:
    """A ``file`` was sent to `/files/` before. It is read afterwards: ask for the document until its ``status`` is ready or failed."""
    found = _seen(request, base_id)
    if [bool(given.strip()) for given in (payload.text, payload.page_url, payload.file)].count(True) != 1:
        raise BadKnowledge("text", "Give a text, the page_url of a page of the web, or the id of a file.")
    if payload.file:
        made = _added(request.auth, found, payload.file)
    elif payload.page_url.strip():
        made = actions.add_page(base=found, url=payload.page_url, by=request.auth)
    else:
        made = actions.add_text(base=found, title=payload.title, text=payload.text, by=request.auth)
    return _created(nouns.Document(**_about(made)), reverse("api:document", args=[made.pk]))


@router.post(
    "/knowledge/{base_id}/files/",
    url_name="base_files",
    operation_id="add_file",
    response={201: nouns.Document, **CHANGE},
    summary="Add a file",
    openapi_extra=BYTES,
)
def add_file(request: ApiRequest, base_id: BaseId, name: Name, idempotency_key: IdempotencyKey = "") -> HttpResponseBase:
    """The body is the bytes, at most 1 MiB: a larger one comes in slices (`/files/uploads/`), and is then added by its id. It is read
    afterwards: ask for the document until its ``status`` is ready or failed."""
    found = _seen(request, base_id)
    actions.check_may_add(base=found, by=request.auth)
    return deferred(request, partial(_add_file, request.auth, found, name, request.body, idempotency_key))


async def _add_file(user: User, base: Base, name: str, data: bytes, key: str) -> HttpResponse:
    blob = await keep_bytes_away(owner=user, data=data, name=name)

    def store() -> HttpResponse:
        make = lambda: str(actions.add_files(base=base, files=[(name, blob)], by=user)[0].pk)  # noqa: E731
        pk = once(make, kind=str, by=user, key=key, what=["knowledge", base.pk, name, blob.sha256])
        made = queries.document_for(user, int(pk))
        if made is None:
            raise DocumentNotFound
        return _created(nouns.Document(**_about(made)), reverse("api:document", args=[made.pk]))

    return await db.write(store)


def _added(user: User, base: Base, file_id: str) -> Document:
    """Add a file of the caller's. One that was not sent yet goes with no message any more. Raises NoSuchFile."""
    file = attachment_for(user, file_id)
    if file is None or file.owner_id != user.pk:
        raise NoSuchFile
    (made,) = actions.add_files(base=base, files=[(file.name, file.blob)], by=user)
    if file.sweep_after is not None:
        discard(by=user, file_id=file_id)
    return made


@router.get(
    "/documents/{document_id}/",
    url_name="document",
    operation_id="document",
    response={200: nouns.Document, **FIND},
    summary="One document",
)
def document(request: ApiRequest, document_id: DocumentId) -> nouns.Document:
    return nouns.Document(**_about(_document(request, document_id)))


@router.delete(
    "/documents/{document_id}/",
    url_name="document",
    operation_id="delete_document",
    response={204: None, **FIND},
    summary="Delete a document",
)
def delete_document(request: ApiRequest, document_id: DocumentId) -> HttpResponse:
    """No search finds it from now on."""
    actions.delete_document(document=_document(request, document_id), by=request.auth)
    return HttpResponse(status=204, content_type="application/json")


@router.post(
    "/documents/{document_id}/again/",
    url_name="try_document_again",
    operation_id="try_document_again",
    response={200: nouns.Document, **FIND},
    summary="Read a document once more",
)
def try_document_again(request: ApiRequest, document_id: DocumentId) -> nouns.Document:
    """One that failed; or a page of the web, which is fetched anew."""
    found = _document(request, document_id)
    actions.try_again(document=found, by=request.auth)
    return nouns.Document(**_about(_document(request, document_id)))


@router.post(
    "/knowledge/{base_id}/search/",
    url_name="search_base",
    operation_id="search_base",
    response={200: nouns.HitList, **CHANGE},
    summary="Search a knowledge base",
)
def search_base(request: ApiRequest, base_id: BaseId, payload: nouns.Question) -> nouns.HitList:
    """By its words. Agents also find what means the same, where the site has an embedding model."""
    hits = search([_seen(request, base_id).pk], Question(payload.question), HITS)
    return nouns.HitList(
        passages=[
            nouns.Hit(
                document=hit.chunk.document_id,
                title=hit.chunk.document.title,
                page=hit.chunk.page,
                heading=hit.chunk.heading,
                text=hit.chunk.text,
                fits=hit.fits,
            )
            for hit in hits
        ]
    )


def _seen(request: ApiRequest, base_id: int) -> Base:
    """Raises BaseNotFound."""
    if found := queries.listed_bases(request.auth).filter(pk=base_id).first():
        return found
    raise BaseNotFound


def _document(request: ApiRequest, document_id: int) -> Document:
    """Raises DocumentNotFound."""
    if found := queries.document_for(request.auth, document_id):
        return found
    raise DocumentNotFound


def _fields(found: Base) -> dict[str, Any]:
    return {
        "id": found.pk,
        "name": found.name,
        "description": found.description,
        "scope": scope_of(found),
        "team": found.team_id,
        "documents": getattr(found, "documents_in", 0),
        "updated_at": found.updated_at,
        "url": reverse("api:base", args=[found.pk]),
    }


def _about(found: Document) -> dict[str, Any]:
    return {
        "id": found.pk,
        "base": found.base_id,
        "title": found.title,
        "source": found.source,
        "page_url": found.url or None,
        "kind": found.kind,
        "status": found.status,
        "failure": found.failure or None,
        "why": found.failure_sentence or None,
        "pages": found.page_count,
        "characters": found.character_count,
        "done": found.done,
        "total": found.total,
        "created_at": found.created_at,
        "url": reverse("api:document", args=[found.pk]),
    }


def _created(what: Any, location: str) -> HttpResponse:
    return HttpResponse(what.model_dump_json(), status=201, content_type="application/json", headers={"Location": location})
