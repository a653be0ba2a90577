"""An agent that has knowledge, driven by the engine: what it finds, names and shows, and that nobody is told what they may not read."""

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import Client
from django.urls import reverse

from agentos.access.models import Membership, Team, User
from agentos.agents import actions as agents
from agentos.agents import queries as agent_queries
from agentos.agents.demo_knowledge import NAME, make_knowledge
from agentos.agents.runtime.library import NOTHING as NOTHING_FOUND
from agentos.agents.tools.search_knowledge import DOUBTFUL, KNOWLEDGE, NOT_OURS, NOTHING
from agentos.chat import actions as chats
from agentos.chat.errors import InvalidInput
from agentos.chat.knowledge import sources_in
from agentos.chat.models import ChatSession, Run
from agentos.chat.runs import waiting
from agentos.chat.runs.engine import Engine
from agentos.core import db
from agentos.core.rendering import markdown
from agentos.knowledge import embedding
from agentos.knowledge.models import Base, Chunk, Document
from agentos.memories import actions as memories
from tests.conftest import signed_in
from tests.factories import AgentFactory, BaseFactory, TeamFactory, UserFactory
from tests.html import page
from tests.knowledge.made import HOUSE, base_of, index_all, only

made_base = sync_to_async(base_of)
send = sync_to_async(chats.send_message)
create_agent = sync_to_async(AgentFactory)
SEARCH = 'search_knowledge {"query": "When may I play the trombone?"}'


async def run_of(user: User, text: str, *, model: str = "scripted:calls", bases: tuple[str, ...] = ("House",), **more: Any) -> Run:
    agent = await create_agent(model=model, bases=list(bases), is_global=True, **more)
    return await ended(await send(by=user, agent=agent, text=text))


async def ended(run: Run) -> Run:
    found = await waiting.ended(run, 20)
    assert found, "it took too long"
    return found


def calls(run: Run) -> list[dict[str, Any]]:
    return [part for part in run.parts if part["kind"] == "tool"]


class TestSearching:
    async def test_finds_names_and_keeps_its_sources(self, engine: Engine, operator: User, member: User) -> None:
        base = await made_base(operator, HOUSE, scope="everyone")
        run = await run_of(member, SEARCH)
        result = calls(run)[0]["result"]
        assert NOT_OURS in result
        assert "[1] " in result
        assert "nobody plays the trombone" in result
        [source] = sources_in(run.parts)
        document = await sync_to_async(only)(base)
        assert (source.n, source.document, source.page, source.base) == (1, document.pk, 1, "House")
        client: Client = await sync_to_async(signed_in)(member)
        html = (await sync_to_async(client.get)(reverse("dashboard:session", args=[run.session.session_id]))).content.decode()
        link = f"/agentos/knowledge/documents/{document.pk}/?page=1&amp;from={source.start}&amp;to={source.end}#passage"
        listed = page(await sync_to_async(client.get)(reverse("dashboard:session", args=[run.session.session_id])))
        assert listed.one(".source-list a")["href"] == link.replace("&amp;", "&")
        assert f'<a class="cite" href="{link}">[1]</a>' in html  # the script repeats what the tool said
        opened = page(await sync_to_async(client.get)(link.replace("&amp;", "&").partition("#")[0]))
        assert "nobody plays the trombone" in opened.text("#passage")

    async def test_says_when_there_is_nothing(self, engine: Engine, operator: User, member: User) -> None:
        await made_base(operator, HOUSE, scope="everyone")
        run = await run_of(member, 'search_knowledge {"query": "What is the capital of Mongolia?"}')
        assert calls(run)[0]["result"] == NOTHING
        assert sources_in(run.parts) == []

    async def test_says_when_nothing_fits_well(self, engine: Engine, operator: User, member: User) -> None:
        await made_base(operator, HOUSE, scope="everyone")
        run = await run_of(member, 'search_knowledge {"query": "How many teeth has a crocodile in the morning?"}')
        assert calls(run)[0]["result"].startswith(DOUBTFUL)
        assert DOUBTFUL not in calls(await run_of(member, SEARCH, agent_id="second"))[0]["result"]

    async def test_reads_on(self, engine: Engine, operator: User, member: User) -> None:
        base = await made_base(operator, HOUSE, scope="everyone")
        document = await sync_to_async(only)(base)
        run = await run_of(member, f'read_document {{"document": {document.pk}}}')
        assert "Quiet hours (part 1)" in calls(run)[0]["result"]
        run = await run_of(member, f'read_document {{"document": {document.pk}, "page": 1}}', agent_id="second")
        assert "Glass is collected" in calls(run)[0]["result"]
        assert [source.page for source in sources_in(run.parts)] == [1]


class TestRights:
    @pytest.mark.parametrize("call", [SEARCH, 'read_document {"document": PK, "page": 1}'])
    async def test_of_a_stranger_open_nothing_whatever_the_model_says(
        self, engine: Engine, owner: User, stranger: User, support: Team, call: str
    ) -> None:
        secret = await made_base(owner, HOUSE, team=support)
        mine = await made_base(stranger, "The stranger's own list of birds.", name="Mine")
        agent = await create_agent(model="scripted:calls", bases=["House"], team=support, is_global=True)
        session = await sync_to_async(chats.create_session)(agent=agent, by=stranger)
        await sync_to_async(chats.bring_bases)(session=session, bases=[mine.pk], by=stranger)
        pk = (await sync_to_async(only)(secret)).pk
        run = await ended(await send(by=stranger, session=session, text=call.replace("PK", str(pk))))
        assert "trombone" not in str(calls(run)[0]["result"])
        said = [message for message in run.messages if message["role"] != "user"]
        assert "nobody plays" not in str(said)
        assert "House" not in str(said)

    async def test_are_asked_at_each_call(self, engine: Engine, owner: User, member: User, support: Team, monkeypatch: Any) -> None:
        """Somebody loses the team while the answer is written: the next search finds nothing more."""
        await made_base(owner, HOUSE, team=support)
        agent = await create_agent(model="scripted:calls", bases=["House"], team=support, is_global=True)
        run = await ended(await send(by=member, agent=agent, text=SEARCH))
        assert "trombone" in calls(run)[0]["result"]

        async def meanwhile(_asked: str) -> None:
            await db.write(lambda: Membership.objects.filter(user=member).delete())

        monkeypatch.setattr(embedding, "embed_question", meanwhile)
        session = await ChatSession.objects.select_related("agent").aget(pk=run.session_id)
        again = await ended(await send(by=member, session=session, text=SEARCH))
        assert calls(again)[0]["result"] == NOTHING

    async def test_make_an_agent_ask_before_it_notes_what_a_document_says(self, engine: Engine, operator: User, member: User) -> None:
        await made_base(operator, HOUSE, scope="everyone")
        await sync_to_async(memories.turn_on)(by=member)
        run = await run_of(member, SEARCH, tools=["memory"])
        session = await ChatSession.objects.select_related("agent").aget(pk=run.session_id)
        again = await ended(await send(by=member, session=session, text='remember {"text": "Likes trombones."}'))
        assert again.status == Run.Status.WAITING
        assert KNOWLEDGE.is_private  # what goes out is asked about (agents/tools/fetch_page.py)

    async def test_let_a_person_bring_only_what_they_may_read(self, member: User, stranger: User, db: None) -> None:
        theirs = await sync_to_async(BaseFactory)(owner=stranger)
        session = await sync_to_async(chats.create_session)(agent=await create_agent(is_global=True), by=member)
        with pytest.raises(InvalidInput):
            await sync_to_async(chats.bring_bases)(session=session, bases=[theirs.pk], by=member)


class TestNumbers:
    def test_become_links_outside_of_code_and_links(self) -> None:
        html = markdown.with_sources(markdown.render("So [1], [1, 2] and [9].\n\n`a[1]` [x[1]](https://a.b)"), {1: "/a?x=1&y", 2: "/b"})
        assert html.count('<a class="cite" href="/a?x=1&amp;y">[1]</a>') == 2
        assert html.count('<a class="cite" href="/b">[2]</a>') == 1
        assert "[9]" in html
        assert "<code>a[1]</code>" in html

    async def test_go_on_through_a_run_and_keep_a_passage(self, engine: Engine, operator: User, member: User) -> None:
        await made_base(operator, HOUSE, "Trombones are lent out on Mondays.", scope="everyone")
        run = await run_of(member, f'{SEARCH}\nsearch_knowledge {{"query": "trombones on Mondays"}}')
        numbers = {source.document: source.n for source in sources_in(run.parts)}
        assert sorted(numbers.values()) == list(range(1, len(numbers) + 1))


@pytest.mark.django_db
class TestWorkshop:
    def test_offers_everyones_and_the_teams_and_keeps_what_is_chosen(self, as_owner: Client, owner: User, support: Team) -> None:
        ready = {"name": "Helper", "description": "", "instructions": "Be brief.", "model": "scripted:5x0"}
        agent = agents.start_agent(name="Helper", team=support, blueprint=ready, by=owner)
        BaseFactory(name="House")
        BaseFactory(name="Ours", team=support)
        BaseFactory(name="Theirs", team=TeamFactory())
        BaseFactory(name="Private", owner=UserFactory())
        url = f"/agentos/workshop/agent/{agent.agent_id}/"
        assert [box["value"] for box in page(as_owner.get(url)).all("input[name=bases]")] == ["House", "Ours"]
        as_owner.post(url, {**ready, "bases": ["Ours"], "stamp": agent_queries.stamp_of(agent_queries.draft_of(agent))})
        assert agent_queries.worked_on(agent, agent_queries.draft_of(agent))["bases"] == ["Ours"]
        Base.objects.filter(name="Ours").delete()
        assert "Not there any more" in page(as_owner.get(url)).text("#main")

    def test_a_deleted_base_takes_its_documents_along(self, owner: User) -> None:
        base = BaseFactory(owner=owner)
        document = Document.objects.create(base=base, title="x", source="text")
        Chunk.objects.create(base=base, document=document, number=0, page=1, start=0, end=1, text="x", searchable="x")
        base.delete()
        assert not Document.objects.exists()
        assert not Chunk.objects.exists()


async def test_the_librarian_of_the_demo_answers_from_its_handbook(engine: Engine, operator: User, member: User) -> None:
    await sync_to_async(make_knowledge)(operator)
    await sync_to_async(index_all)()
    run = await run_of(member, "How long can I keep a tent?", model="scripted:library", bases=(NAME,))
    assert "Tents and camping stoves – 21 days – 40 euros [" in run.answer
    run = await run_of(member, "What is the capital of Mongolia?", model="scripted:library", bases=(NAME,), agent_id="other")
    assert run.answer == NOTHING_FOUND
