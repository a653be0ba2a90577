"""How providers of sign-ins are asked: over TLS wherever they lead to, and for no more than they can have to say.

They may be on a private network: operators name them. The one of the environment may be named without TLS, and is asked so, where it is.
"""

import time
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectionError as NotConnected
from requests.exceptions import InvalidURL
from urllib3.exceptions import HTTPError

from agentos.accounts import providers
from agentos.conf import app_settings

LARGEST = 1_000_000  # bytes of an answer
SECONDS = 10.0  # for all of it, once it has begun
PIECE = 64 * 1024  # bytes


class Careful(HTTPAdapter):
    def send(self, request: PreparedRequest, *args: Any, **about: Any) -> Response:
        """Raises RequestException."""
        url = request.url or ""
        if not (providers.may_be_reached(url) or _is_of_environment(url)):
            raise InvalidURL("A provider is reached over TLS.", request=request)
        answer = super().send(request, *args, **{**about, "stream": True})
        try:
            answer._content = _all_of(answer)  # noqa: SLF001 - as it does itself, without a limit
        except HTTPError as error:
            raise NotConnected(error, request=request) from None
        finally:
            answer.close()
        return answer


def _is_of_environment(url: str) -> bool:
    return urlsplit(url.lower())[:2] == urlsplit(app_settings.OPENID_URL.lower())[:2]  # scheme, host and port


def _all_of(answer: Response) -> bytes:
    data, until = bytearray(), time.monotonic() + SECONDS
    while piece := answer.raw.read1(PIECE, decode_content=True):
        data += piece
        if len(data) > LARGEST or time.monotonic() > until:
            raise NotConnected("The answer is too long, or takes too long.", request=answer.request)
    return bytes(data)
