"""Making pictures: what the server is asked, what of its answer is kept, and what goes wrong."""

import base64
import json
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from agentos.agents import tools
from agentos.agents.media import NotKept
from agentos.agents.tools import CallContext, Refused, image
from agentos.agents.tools.definition import current
from agentos.agents.tools.external import CALLED
from agentos.audit.models import AuditRecord
from tests.agents.web import Site, answer


def png(size: tuple[int, int] = (8, 8)) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, (1, 2, 3)).save(out, "PNG")
    return out.getvalue()


class Kept(list[tuple[str, bytes, str]]):
    async def __call__(self, name: str, data: bytes, origin: str) -> None:
        self.append((name, data, origin))


@pytest.fixture
def kept() -> Kept:
    found = Kept()
    current.set(CallContext("run", "1", "s", "a", keep=found))
    return found


@pytest.fixture
async def site(transactional_db: None, settings: Any) -> AsyncIterator[Site]:
    async with Site() as site:
        settings.AGENTOS_IMAGE_URL = site.url + "/v1"
        settings.AGENTOS_IMAGE_KEY = "key-of-the-operator"
        yield site


async def make(**arguments: Any) -> Any:
    (function,) = tools.tools(["image"])["image"].functions
    return await function.call(**{"prompt": "A cup of tea", **arguments})


def says(data: Any) -> Any:
    return answer(json.dumps({"data": [data]}).encode(), kind="application/json")


class TestAsked:
    async def test_by_openais_protocol_and_kept(self, site: Site, kept: Kept) -> None:
        site.pages["/v1/images/generations"] = says({"b64_json": base64.b64encode(png()).decode()})
        told = await make(prompt="  A cup\nof tea ", shape="landscape")
        assert kept == [("A-cup-of-tea.png", png(), "tool")]
        assert told == "The user is shown the picture A-cup-of-tea.png in your answer."
        (asked,) = site.asked
        assert json.loads(asked.body) == {"model": "gpt-image-1", "prompt": "A cup of tea", "n": 1, "size": "1536x1024"}
        assert asked.headers["authorization"] == "Bearer key-of-the-operator"
        line = await AuditRecord.objects.aget(verb=CALLED)
        assert "tea" not in json.dumps(line.data)

    async def test_fetches_one_that_is_at_an_address(self, site: Site, kept: Kept, settings: Any) -> None:
        settings.AGENTOS_IMAGE_MODEL = "flux"
        site.pages["/v1/images/generations"] = says({"url": site.url + "/made.png"})
        site.pages["/made.png"] = answer(png(), kind="image/png")
        await make()
        assert kept[0][1] == png()
        assert json.loads(site.asked[0].body)["response_format"] == "b64_json"

    @pytest.mark.parametrize("data", [{}, {"b64_json": "***"}, {"b64_json": 3}, [], None])
    async def test_takes_no_nonsense(self, site: Site, kept: Kept, data: Any) -> None:
        site.pages["/v1/images/generations"] = says(data)
        with pytest.raises(Refused, match="cannot be read"):
            await make()
        assert kept == []

    @pytest.mark.parametrize(("status", "words"), [(401, "refused"), (429, "too often"), (400, "Describe it differently"), (500, "500")])
    async def test_says_what_is_wrong(self, site: Site, kept: Kept, status: int, words: str) -> None:
        site.pages["/v1/images/generations"] = answer(b"{}", status=status)
        with pytest.raises(Refused, match=words):
            await make()

    async def test_goes_to_no_private_address_that_is_answered(self, site: Site, kept: Kept) -> None:
        site.pages["/v1/images/generations"] = says({"url": "http://169.254.169.254/latest/meta-data"})
        with pytest.raises(Refused):
            await make()
        assert kept == []

    async def test_says_why_it_cannot_be_kept(self, site: Site) -> None:
        async def keep(_name: str, _data: bytes, _origin: str) -> None:
            raise NotKept("Your files have no room left.")

        current.set(CallContext("run", "1", "s", "a", keep=keep))
        site.pages["/v1/images/generations"] = says({"b64_json": base64.b64encode(png()).decode()})
        with pytest.raises(Refused, match="no room left"):
            await make()


class TestRehearsed:
    @pytest.fixture(autouse=True)
    def none_set_up(self, settings: Any) -> None:
        settings.AGENTOS_IMAGE_URL = ""

    async def test_draws_without_a_server_and_says_so(self, kept: Kept) -> None:
        told = await make(shape="portrait")
        assert "It is a rehearsal" in told
        with Image.open(BytesIO(kept[0][1])) as drawn:
            assert (drawn.format, drawn.size) == ("PNG", (512, 768))

    async def test_is_offered_with_scripted_models_only(self, settings: Any) -> None:
        assert image.missing() == ""
        settings.AGENTOS_SCRIPTED_MODELS = False
        assert image.missing().startswith("To make pictures, set AGENTOS_IMAGE_URL")

    async def test_is_not_drawn_where_nothing_is_kept(self) -> None:
        current.set(CallContext("run", "1", "s", "a"))
        with pytest.raises(Refused, match="No picture can be kept here"):
            await make()
