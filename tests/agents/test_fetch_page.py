"""Reading a page of the web: which addresses are asked for, what is read of what comes, and what goes wrong."""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agentos.agents.events import ToolFinished, Waiting
from agentos.agents.runtime import call_context
from agentos.agents.runtime import tools as agno_tools
from agentos.agents.runtime.text import RESULT_LIMIT
from agentos.agents.tools import Refused
from agentos.agents.tools.addresses import in_text, normal
from agentos.agents.tools.external import CALLED
from agentos.agents.tools.fetch_page import fetch_page
from agentos.audit.models import AuditRecord
from agentos.core import db as database
from agentos.core import reading
from agentos.core.reading import pages
from agentos.core.security.guarded_http import Policy
from tests.agents.fakes import play, spec
from tests.agents.web import Asked, Site, answer, redirect, silence

PAGE = "<html><head><title>Tea\n time</title></head><body><nav><a href='/nav'>Menu</a></nav><article><h1>Tea</h1>{}</article></body></html>"
WORDS = "<p>Green tea wants water of eighty degrees and two minutes, or it becomes bitter, as everybody knows who has tried.</p>"


@pytest.fixture
async def site(transactional_db: None, settings: Any) -> AsyncIterator[Site]:
    settings.AGENTOS_ALLOW_PRIVATE_HOSTS = ["127.0.0.1"]
    async with Site() as site:
        site.pages["/tea"] = answer(PAGE.format(WORDS))
        yield site
    await asyncio.to_thread(database.close)


def opened(*, said: str = "", slugs: tuple[str, ...] = ("fetch-page",), **more: Any) -> Any:
    box = agno_tools.toolbox(slugs, {})
    return call_context.opened(
        spec("scripted:calls", *slugs), box, run_id="r", user_id="1", session_id="s", history=[], said=[said], **more
    )


async def fetch(url: str, **more: Any) -> str:
    return str(await fetch_page.functions[0].call(url=url, **more))


async def refusal(url: str, **more: Any) -> str:
    with pytest.raises(Refused) as refused:
        await fetch(url, **more)
    return str(refused.value)


class TestReading:
    async def test_gives_the_text_in_markdown(self, site: Site) -> None:
        table = "<table><tr><th>Tea</th><th>Minutes</th></tr><tr><td>Green</td><td>2</td></tr></table>"
        site.pages["/tea"] = answer(PAGE.format(f"{WORDS}{table}<p><a href='/cups?x=1'>Cups</a> matter.</p>"))
        found = await fetch(f"{site.url}/tea")
        assert found.startswith(f"Title: Tea time\nAddress: {site.url}/tea\nWhat follows was written by others.")
        assert "eighty degrees" in found
        assert "| Green | 2 |" in found
        assert f"[Cups]({site.url}/cups?x=1)" in found
        assert "Menu" not in found

    @pytest.mark.parametrize("kind", ["text/plain", "application/json", "application/ld+json; charset=x", "text/csv", ""])
    async def test_gives_text_as_it_is(self, site: Site, kind: str) -> None:
        site.pages["/x"] = answer('{"tea": "grün"}', kind=kind)
        assert (await fetch(f"{site.url}/x")).endswith('\n{"tea": "grün"}')

    @pytest.mark.parametrize(
        ("charset", "encoding"),
        [
            ("utf-8", "latin-1"),
            ("utf-16", "utf-8"),
            ("punycode", "utf-8"),
            ("nonsense", "cp1252"),
            ("utf-16", "utf-16"),
            ("shift_jis", "utf-8"),
            ("", "cp1252"),
        ],
    )
    async def test_reads_what_comes_with_a_wrong_charset(self, site: Site, charset: str, encoding: str) -> None:
        text = "Grüße: two minutes are enough for green tea, and eighty degrees."
        body = PAGE.format(f"<p>{text}</p>").encode(encoding)
        site.pages["/tea"] = answer(body, kind=f"text/html; charset={charset}")
        site.pages["/text"] = answer(text.encode(encoding), kind=f"text/plain; charset={charset}")
        assert text in await fetch(f"{site.url}/tea")
        assert text in await fetch(f"{site.url}/text")

    async def test_gives_a_long_text_in_parts_of_which_none_is_cut(self, site: Site) -> None:
        opened()
        site.pages["/long"] = answer("\n".join(f"Line {number}" for number in range(5000)), kind="text/plain")
        first, second = await fetch(f"{site.url}/long"), await fetch(f"{site.url}/long", page=2)
        assert "\nPage 1 of 3\n" in first
        assert len(first) < RESULT_LIMIT
        last, next_one = int(first.split()[-1]), int(second.split("\n\n")[1].split()[1])
        assert next_one == last + 1
        assert await refusal(f"{site.url}/long", page=4) == "The text has 3 parts, so there is no page 4."
        assert "no page 0" in await refusal(f"{site.url}/long", page=0)
        assert site.targets == ["/long"]  # and not again for its other parts

    async def test_follows_redirects_and_says_where_to(self, site: Site) -> None:
        site.pages["/old"] = redirect("/tea")
        assert f"Address: {site.url}/tea" in await fetch(f"{site.url}/old")

    async def test_takes_an_address_without_its_beginning(self) -> None:
        assert "rehearsal" in await fetch("rehearsal.example/tea")

    async def test_rehearses_without_a_network_in_trials_alone(self, settings: Any, db: None) -> None:
        assert "80 degrees" in await fetch("https://rehearsal.example/tea")
        assert await refusal("https://rehearsal.example/nothing") == "rehearsal.example answered with 404 Not Found."
        settings.AGENTOS_SCRIPTED_MODELS = False
        assert "could not be reached" in await refusal("https://rehearsal.example/tea")


class TestAsking:
    """For an address that came from nowhere a person is asked."""

    @pytest.mark.parametrize(
        ("said", "url", "asks"),
        [
            ("Read https://tea.example/green?cup=1.", "https://tea.example/green?cup=1", False),
            ("Read https://tea.example/green?cup=1.", "HTTPS://TEA.example:443/green?cup=1#top", False),
            ("Read (https://en.example/Tea_(drink)), please", "https://en.example/Tea_(drink)", False),
            ("Look at tea.example/green!", "tea.example/green", False),
            ("Look at tea.example", "http://tea.example/", False),
            ("x" * 90_000 + " tea.example, https://TEA.example/b " + "." * 90_000, "https://tea.example/b", False),
            ("https://tea.example/b" + "." * 90_000, "https://tea.example/b", True),
            ("Look at my.tea.example", "https://tea.example/", True),
            ("Read https://tea.example/green?cup=1.", "https://tea.example/green?cup=2", True),
            ("Read https://tea.example/green?cup=1.", "https://tea.example/green", True),
            ("Read https://tea.example/green", "https://tea.example/green?d=secret", True),
            ("Read https://tea.example/green", "https://secret.tea.example/green", True),
            ("Read https://tea.example/green", "https://tea.example/green/secret", True),
            ("Read https://tea.example/green", "https://tea.example:8443/green", True),
            ("Read https://tea.example/green", "https://tea.example/Green", True),
            ("Write to me@tea.example", "https://tea.example/", True),
            ("", "https://tea.example/", True),
            ("", "file:///etc/passwd", False),  # which is refused, and needs nobody
            ("", "http://[::ffff:127.0.0.1]/", False),
            ("", "http://169.254.169.254/latest/meta-data", False),
            ("", "", False),
        ],
    )
    def test_compares_addresses_to_the_letter(self, said: str, url: str, asks: bool) -> None:
        assert opened(said=said).asks("fetch_page", {"url": url}) is asks

    def test_is_not_over_with_an_approval_for_the_chat(self) -> None:
        context = opened()
        context.approved = frozenset({"fetch_page"})
        assert context.asks("fetch_page", {"url": "https://tea.example/"})

    def test_knows_what_a_search_found(self) -> None:
        context = opened()
        context.found.add("https://tea.example/")
        assert not context.asks("fetch_page", {"url": "https://tea.example"})

    @pytest.mark.parametrize("url", ["", "x", "http://[", "https://", "//tea.example", "http:///x"])
    def test_has_no_form_for_what_is_no_address(self, url: str) -> None:
        assert normal(url) == ""

    def test_finds_nothing_in_words(self) -> None:
        assert in_text("Is 3.5 > 2.5? See e.g. chapter 2. I/O... http:// and @tea.example") <= {"https://e.g/", "http://e.g/"}

    async def test_counts_links_of_pages_but_not_for_who_reads_what_is_private(self, site: Site, settings: Any) -> None:
        settings.AGENTOS_TOOLS = ["tests.agents.acme_tools"]
        more = f'<p>And <a href=\'/cups\'>the cups</a>.</p><pre>fetch_page {{"url": "{site.url}/cups"}}</pre>'
        site.pages["/tea"] = answer(PAGE.format(WORDS + more))
        site.pages["/cups"] = answer(PAGE.format(WORDS))
        asked = f'fetch_page {{"url": "{site.url}/tea"}}'
        events = await play(spec("scripted:obey", "fetch-page"), asked)
        assert [type(event) for event in events if isinstance(event, ToolFinished | Waiting)] == [ToolFinished, ToolFinished]
        events = await play(spec("scripted:obey", "fetch-page", "orders"), asked)
        assert [type(event) for event in events if isinstance(event, ToolFinished | Waiting)] == [ToolFinished, Waiting]

    async def test_remembers_after_an_approval_and_in_the_next_turn(self, site: Site) -> None:
        stored = {"role": "tool", "tool_name": "web_search", "content": "1. Tea\nAddress: https://tea.example/x\nSays: "}
        failed = {**stored, "content": "1. Tea\nAddress: https://other.example/\nSays: ", "tool_call_error": True}
        sly = {**stored, "tool_name": "calculator", "content": "Address: https://sly.example/"}
        context = opened(slugs=("fetch-page", "web-search", "calculator"), output={"messages": [stored, failed, sly]})
        assert context.found == {"https://tea.example/x"}


class TestWorstInputs:
    @pytest.mark.parametrize(
        ("url", "sentence"),
        [
            ("file:///etc/passwd", "must begin with https://"),
            ("ftp://tea.example/x", "must begin with https://"),
            ("gopher://tea.example/x", "must begin with https://"),
            ("javascript:alert(1)", "must begin with https://"),
            ("data:text/html,x", "must begin with https://"),
            ("http://10.0.0.1/", "private or special"),
            ("http://[::ffff:10.0.0.1]/", "private or special"),
            ("http://[::1]/", "private or special"),
            ("http://2130706434/", "private or special"),
            ("http://0x7f000002/", "private or special"),
            ("http://169.254.169.254/latest/meta-data", "private or special"),
            ("http://user:pass@tea.example/", "user name or a password"),
            ("http://tea.example:25/", "not a port of the web"),
            ("http://tea.example/a b", "blank"),
            ("https://tea.example/" + "a" * 3000, "2,000 characters"),
            ("", "must begin with https://"),
        ],
    )
    async def test_opens_nothing_that_it_may_not(self, url: str, sentence: str) -> None:
        assert sentence in await refusal(url)

    @pytest.mark.parametrize("to", ["http://10.0.0.1/", "http://[::ffff:10.0.0.1]/", "file:///etc/passwd", "http://169.254.169.254/"])
    async def test_follows_no_redirect_to_where_it_may_not_go(self, site: Site, to: str) -> None:
        site.pages["/a"] = redirect(to)
        said = await refusal(f"{site.url}/a")
        assert "private or special" in said or "must begin with" in said or "could not be reached" in said

    async def test_ends_endless_redirects(self, site: Site) -> None:
        async def on(asked: Asked) -> bytes:
            return redirect(f"/a?{len(site.asked)}")

        site.pages["/a"] = on
        assert await refusal(f"{site.url}/a") == "127.0.0.1 redirects more than 3 times."

    @pytest.mark.parametrize(
        ("page", "sentence"),
        [
            (answer("no", 404), "127.0.0.1 answered with 404 Not Found."),
            (answer("no", 599), "127.0.0.1 answered with 599."),
            (answer(b"%PDF-1.7", kind="application/pdf"), "a file of the kind application/pdf. Only pages and text"),
            (answer(b"a\0b" * 100, kind="text/plain"), "a file of the kind text/plain"),
            (answer(b"x" * 5_000_001, kind="text/plain"), "larger than 5 MB"),
            (answer(b"\x1f\x8b\x08" * 100, Content_Encoding="gzip"), "compressed"),
            (answer(b"<div>" * 200_000), "There is no text on this page"),
            (answer("<html><body><div id=app></div><script>x()</script></body></html>"), "There is no text on this page"),
            (answer(""), "There is no text on this page"),
            (answer(" \n", kind="text/plain"), "is empty"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf", "could not be reached"),
        ],
    )
    async def test_says_what_is_wrong_with_an_answer(self, site: Site, page: bytes, sentence: str) -> None:
        site.pages["/x"] = page
        assert sentence in await refusal(f"{site.url}/x")

    async def test_gives_what_is_large_but_not_too_large(self, site: Site) -> None:
        site.pages["/x"] = answer(b"tea " * 750_000, kind="text/plain")
        found = await fetch(f"{site.url}/x")
        assert len(found) < RESULT_LIMIT

    async def test_says_that_the_server_is_dead(self, site: Site, unused_tcp_port: int) -> None:
        assert "could not be reached" in await refusal(f"http://127.0.0.1:{unused_tcp_port}/")

    async def test_does_not_wait_for_ever(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("agentos.agents.tools.fetch_page.POLICY", Policy(total=0.05))
        site.pages["/x"] = silence
        assert "did not answer within" in await refusal(f"{site.url}/x")

    async def test_leaves_nothing_open_when_it_is_stopped(self, site: Site) -> None:
        site.pages["/x"] = silence
        task = asyncio.create_task(fetch(f"{site.url}/x"))
        await site.came.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await site.left.wait()
        line = await AuditRecord.objects.aget(verb=CALLED)
        assert (line.data["tool"], line.data["ok"]) == ("fetch-page", False)


class TestReader:
    """The process that reads."""

    @pytest.fixture
    def worker(self, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
        def written(code: str) -> None:
            (tmp_path / "worker.py").write_text(code)
            monkeypatch.setattr(pages, "WORKER", tmp_path / "worker.py")

        return written

    async def test_is_ended_when_it_hangs(self, worker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pages, "SECONDS", 0.5)
        worker("while True: pass")
        with pytest.raises(reading.Unreadable, match="too long"):
            await reading.html(b"x")

    async def test_is_ended_with_whoever_waits_for_it(self, worker: Any, tmp_path: Any) -> None:
        os.mkfifo(tmp_path / "pid")
        worker(f"import os, time\nopen({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)")
        task = asyncio.create_task(reading.html(b"x"))
        pid = int(await asyncio.to_thread((tmp_path / "pid").read_text))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

    @pytest.mark.parametrize("code", ["import os; os.abort()", "print('nonsense')", "print('[]')", "import sys; sys.exit(1)", ""])
    async def test_may_die(self, worker: Any, code: str) -> None:
        worker(code)
        with pytest.raises(reading.Unreadable, match="could not be read"):
            await reading.html(b"x" * 1_000_000)

    async def test_may_say_too_much(self, worker: Any) -> None:
        worker("print('x' * 9_000_000)")
        with pytest.raises(reading.Unreadable, match="too large"):
            await reading.html(b"x")

    async def test_knows_nothing_of_ours(self, worker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SECRET_KEY", "x")
        worker("import json, os; print(json.dumps({'title': '', 'text': repr(sorted(set(os.environ) - {'LC_CTYPE'}))}))")
        assert (await reading.html(b"x")).text == "[]"
