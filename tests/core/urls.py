"""Views that fail in every way there is, below an address of programs and below one of people."""

from typing import NoReturn

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from agentos.core.http.errors import Problem, envelope

handler400 = "agentos.core.http.errors.bad_request"
handler500 = "agentos.core.http.errors.server_error"

SECRET = "SELECT secret FROM vault -- /srv/agentos/settings.py"
RAISED = {
    "defect": ValueError(SECRET),
    "database": OperationalError(SECRET),
    "connection": InterfaceError(SECRET),
    "value": DataError(SECRET),
    "suspicious": SuspiciousOperation(SECRET),
    "too-big": RequestDataTooBig(SECRET),
    "denied": PermissionDenied(SECRET),
    "nowhere": Http404(SECRET),
}


def fail(_request: HttpRequest, kind: str) -> NoReturn:
    raise RAISED[kind]


async def afail(_request: HttpRequest, kind: str) -> NoReturn:
    raise RAISED[kind]


def page(_request: HttpRequest, status: int) -> HttpResponse:
    answer = HttpResponse(f"<h1>{SECRET}</h1>", status=status, headers={"Retry-After": "7"})
    answer.set_cookie("kept", "yes")
    return answer


def refused(request: HttpRequest) -> HttpResponse:
    return envelope(request, 409, "Not now.", code="busy", headers={"Retry-After": "3"})


def signed_in(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(request.user))


def problem(request: HttpRequest) -> HttpResponse:
    return Problem(422, "title: Too long.").answer(request)


@csrf_exempt
@require_POST
def posted(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.POST.get("text", ""))


@require_POST
def protected(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("changed")


urlpatterns = [
    path(f"{face}/{pattern}", view)
    for face in ("api", "pages")
    for pattern, view in (
        ("fail/<kind>/", fail),
        ("afail/<kind>/", afail),
        ("page/<int:status>/", page),
        ("refused/", refused),
        ("problem/", problem),
        ("signed-in/", signed_in),
        ("posted/", posted),
        ("protected/", protected),
    )
]
