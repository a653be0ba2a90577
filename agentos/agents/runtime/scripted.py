"""The scripted models: they say what ``agents/scripts.py`` says that they say. Deterministic, and honest about being scripted."""

import asyncio
import json
import math
import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any

from agno.exceptions import ModelProviderError
from agno.metrics import MessageMetrics
from agno.models.base import Model
from agno.models.message import Message
from agno.models.response import ModelResponse

from agentos.agents.runtime import asked, dictated
from agentos.agents.runtime.beheld import told_of_media
from agentos.agents.runtime.delegations import TO_ALL, TO_ONE
from agentos.agents.runtime.errand import answer_of_the_errand, calls_of_the_errand, thoughts_of_the_errand
from agentos.agents.runtime.library import answer_of_the_library, calls_of_the_library
from agentos.agents.runtime.speech import names_of
from agentos.agents.runtime.token_clock import clock
from agentos.agents.runtime.tour import answer_of_the_tour, thoughts_of_the_tour
from agentos.agents.scripts import Script
from agentos.agents.summaries import INSTRUCTIONS as SUMMARY_INSTRUCTIONS
from agentos.agents.titles import INSTRUCTIONS

TEXT = """This answer is written by a script and not by a model so that its words its length and its pace are the same every time
which is what a test needs and what a benchmark compares while nothing of it costs a key or leaves the machine"""
WORDS = TEXT.split()
SENTENCE = 12  # words
PARAGRAPH = 60
BREATH = 32  # tokens without a pause, after which others get their turn
TOUR_PAUSE = 0.012  # seconds
FLAKY_RUNS = 1000

DICTATED = frozenset({"calls", "obey"})
TOURS = frozenset({"tour", "errand"})

Calls = dictated.Calls

NOT_A_PERSON = "This is a scripted model. "
SUMMARY = "They spoke of tea and of cups."
TITLE = "**A Title by the Script.**"  # written as models write, and not as they are asked to

# Which tool each script calls, with which arguments as the model would write them.
CALLS: dict[str, Calls] = {
    "tool": (("multiply", '{"a": 17, "b": 25}'),),
    "loop": (("add", '{"a": 1, "b": 1}'),),
    "badjson": (("multiply", '{"a": 17, "b": '),),
    "notool": (("launch_rocket", "{}"),),
    "approve": (("post_letter", '{"to": "Ada", "text": "Hello."}'),),
    "ask": (
        (
            "get_user_input",
            json.dumps(
                {
                    "user_input_fields": [
                        {"field_name": "city", "field_type": "str", "field_description": "Where to?"},
                        {"field_name": "nights", "field_type": "int", "field_description": "How many nights?"},
                    ]
                }
            ),
        ),
    ),
    "tour": (("multiply", '{"a": 127, "b": 89}'), ("current_time", '{"zone": "Europe/Berlin"}')),
}

MEMBER = re.compile(r'^<member id="([^"]+)"', re.MULTILINE)
ROUTING = "You work in route mode"

REFUSALS = {
    "busy": ("Rate limit reached for this script.", 429),
    "auth": ("Incorrect API key provided: sk-scripted-0123456789abcdef.", 401),
    "long": ("The request exceeds the available context size.", 400),
}


@dataclass
class ScriptedModel(Model):
    id: str = "scripted"
    name: str | None = "Scripted"
    provider: str | None = "Scripted"
    script: Script = field(default_factory=lambda: Script("echo"))
    effort: str = ""
    seen: "OrderedDict[str, None]" = field(default_factory=OrderedDict)

    async def ainvoke_stream(
        self, *args: Any, messages: list[Message], run_response: Any = None, **kwargs: Any
    ) -> AsyncIterator[ModelResponse]:
        self._refuse(str(getattr(run_response, "run_id", "")))
        results = _results(messages)
        reply = asked.reply(messages)
        calls = () if reply else self._calls(messages, results, kwargs.get("tools"))
        what, tokens, pause = _plainly(reply) if reply else self._spoken(messages, results, calls)
        said, time, until = 0, asyncio.get_running_loop().time, clock().until
        began = time()
        # Each at its time, counted from the start: a late one does not make the next ones later. And all in one generator: another
        # one to pass on what it gives would cost as much as the clock.
        for token in tokens:
            if pause and (due := began + said * pause) > time():
                await until(due)
            elif pause or said % BREATH == 0:
                await asyncio.sleep(0)
            said += 1
            yield ModelResponse(**{what: token})
        if calls:
            yield ModelResponse(tool_calls=[_call(len(messages), number, *call) for number, call in enumerate(calls)])
            yield _usage(messages, 10)
            return
        await self._break_off()
        yield _usage(messages, said)

    def _calls(self, messages: list[Message], results: list[str], tools: Any) -> Calls:
        if self.script.act in DICTATED:
            program = dictated.program(_question(messages), results if self.script.act == "obey" else ())
            return dictated.calls(program, _rounds(messages), results)
        if self.script.act == "errand":
            return calls_of_the_errand(_rounds(messages), results)
        if self.script.act == "library":
            return calls_of_the_library(_question(messages), results)
        if results and self.script.act != "loop":
            return ()
        return _delegating(messages, tools) if self.script.act == "lead" else CALLS.get(self.script.act, ())

    def _refuse(self, run_id: str) -> None:
        act = self.script.act
        if act in REFUSALS:
            text, status = REFUSALS[act]
            raise ModelProviderError(text, status_code=status, model_name=self.name, model_id=self.id)
        if act == "raise":
            raise ZeroDivisionError("The adapter of this model has a bug.")
        if act == "flaky" and run_id not in self.seen:
            self.seen[run_id] = None
            if len(self.seen) > FLAKY_RUNS:
                self.seen.popitem(last=False)
            raise _unavailable()

    def _spoken(self, messages: list[Message], results: list[str], calls: Calls) -> tuple[str, Iterable[Any], float]:
        """What is said, before the ``calls`` if there are any: the field of a response that it goes in, the tokens, seconds for each."""
        script = self.script
        if script.act in TOURS:
            return *self._shown_around(messages, results, calls), TOUR_PAUSE
        if script.act in {"words", "hang", "fail"}:
            return "content", islice(cycle(SPEECH), script.tokens), script.ms / 1000
        if script.act in {"echo", "effort", "recall", "given"}:
            return "content", _split(self._says(messages)), 0
        return "content", () if script.act == "empty" or calls else _split(self._ends(messages, results)), 0

    def _ends(self, messages: list[Message], results: list[str]) -> str:
        """What a script says once it calls nothing more."""
        script = self.script
        if script.act in DICTATED:
            said = dictated.said(_question(messages), results if script.act == "obey" else (), results) or _told(results)
        elif script.act == "library":
            said = answer_of_the_library(_question(messages), results)
        elif script.act == "title" and _is_asked_for_a_title(messages):
            said = TITLE
        elif script.act == "lead":
            said = f"{NOT_A_PERSON}The team said: {' / '.join(result.strip() for result in results)}"
        else:
            said = _told(results)
        return said

    def _says(self, messages: list[Message]) -> str:
        """What a script says that looks at what it was asked with."""
        if self.script.act == "echo":
            return _question(messages)
        if self.script.act == "given":
            return f"{NOT_A_PERSON}{told_of_media(messages)}"
        if self.script.act == "effort":
            return f"{NOT_A_PERSON}It was asked to be {self.effort or 'as it is'}."
        told = [message.get_content_string() for message in messages]
        if any(SUMMARY_INSTRUCTIONS in text for text in told):
            return SUMMARY
        turns = sum(message.role == "user" for message in messages) - 1
        return f"{NOT_A_PERSON}It was shown {turns} turns{' and a summary' if any(SUMMARY in text for text in told) else ''}."

    def _shown_around(self, messages: list[Message], results: list[str], calls: Calls) -> tuple[str, Iterable[Any]]:
        """What the tours say: thoughts before they call tools, and an answer."""
        if self.script.act == "errand":
            thoughts, answer = thoughts_of_the_errand(_rounds(messages)), answer_of_the_errand
        else:
            thoughts, answer = thoughts_of_the_tour(), answer_of_the_tour
        return ("reasoning_content", thoughts) if calls else ("content", _split(answer(results)))

    async def _break_off(self) -> None:
        if self.script.act == "hang":
            await asyncio.Event().wait()
        if self.script.act == "fail":
            raise _unavailable()

    def ainvoke(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    def invoke(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    def invoke_stream(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    def _parse_provider_response(self, response: Any, **kwargs: Any) -> ModelResponse:
        raise NotImplementedError

    def _parse_provider_response_delta(self, response: Any) -> ModelResponse:
        raise NotImplementedError


def _plainly(text: str) -> tuple[str, Iterable[Any], float]:
    return "content", _split(text), 0


def _told(results: list[str]) -> str:
    return f"{NOT_A_PERSON}The tool said: {results[-1]}" if results else f"{NOT_A_PERSON}It answers now."


def _delegating(messages: list[Message], tools: Any) -> Calls:
    """Return the calls with which a leader passes the user's message on, as the mode of its team wants it."""
    system = next((message.get_content_string() for message in messages if message.role == "system"), "")
    task = _question(messages)
    if TO_ALL in names_of(tools):
        return ((TO_ALL, json.dumps({"task": task})),)
    members = MEMBER.findall(system)
    return tuple((TO_ONE, json.dumps({"member_id": member, "task": task})) for member in (members[:1] if ROUTING in system else members))


def _word(number: int) -> str:
    word = WORDS[number % len(WORDS)]
    if number % SENTENCE == 0:
        word = word.capitalize()
    if number % PARAGRAPH == PARAGRAPH - 1:
        return word + ".\n\n"
    return word + (". " if number % SENTENCE == SENTENCE - 1 else " ")


SPEECH = tuple(_word(number) for number in range(math.lcm(len(WORDS), PARAGRAPH)))  # and over again


def _split(text: str) -> list[str]:
    """Return the text in pieces of a word each; together they are the text."""
    pieces = text.split(" ")
    return [piece + " " for piece in pieces[:-1]] + pieces[-1:]


def _call(turn: int, number: int, name: str, arguments: str) -> dict[str, Any]:
    return {"id": f"call-{turn}-{number}", "type": "function", "function": {"name": name, "arguments": arguments}}


def _question(messages: list[Message]) -> str:
    return next((message.get_content_string() for message in reversed(messages) if message.role == "user"), "")


def _is_asked_for_a_title(messages: list[Message]) -> bool:
    return any(message.role == "system" and INSTRUCTIONS in message.get_content_string() for message in messages)


def _results(messages: list[Message]) -> list[str]:
    """Return what the tools said since the user's last message."""
    results: list[str] = []
    for message in messages:
        if message.role == "user":
            results.clear()
        elif message.role == "tool":
            results.append(message.get_content_string())
    return results


def _rounds(messages: list[Message]) -> int:
    """Return how many answers with calls there are since the user's last message."""
    last = max((place for place, message in enumerate(messages) if message.role == "user"), default=0)
    return sum(bool(message.tool_calls) for message in messages[last:] if message.role == "assistant")


def _usage(messages: list[Message], said: int) -> ModelResponse:
    read = sum(len(message.get_content_string()) for message in messages) // 4
    return ModelResponse(response_usage=MessageMetrics(input_tokens=read, output_tokens=said, total_tokens=read + said))


def _unavailable() -> ModelProviderError:
    return ModelProviderError("The script breaks off here.", status_code=503)
