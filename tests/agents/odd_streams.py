"""What OpenAI-compatible servers really send: each of these streams was reported by users of other products.

``STREAMS`` has the bodies by name, one for each request of a run; the model's id in a request says which is wanted.
"""

import json
from typing import Any

from tests.agents.fakes import Exchange

HEAD = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
DONE = "data: [DONE]\n\n"
USAGE = {"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10}


def chunk(finish: Any = None, **delta: Any) -> dict[str, Any]:
    return {**HEAD, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def data(*chunks: Any, end: str = "\n\n", before: str = "data: ") -> str:
    return "".join(f"{before}{json.dumps(item)}{end}" for item in chunks)


def text(*words: str, **more: Any) -> str:
    return data(*({**chunk(content=word), **more} for word in words))


def stop(reason: str = "stop") -> str:
    return data(chunk(reason), {**HEAD, "choices": [], "usage": USAGE}) + DONE


def call(name: str, arguments: Any, **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "arguments": arguments}, **more}


def calls(*made: dict[str, Any], reason: str = "tool_calls") -> str:
    return data(chunk(tool_calls=list(made))) + stop(reason)


def each(*made: dict[str, Any], reason: str = "tool_calls") -> str:
    return data(*(chunk(tool_calls=[one]) for one in made)) + stop(reason)


SUM = '{"a": 1, "b": 1}'
WORK = (("add", SUM), ("add", '{"a": 2, "b": 2}'), ("multiply", '{"a": 3, "b": 3}'))
SAID = text("It is done.") + stop()
WHOLE: dict[str, Any] = {
    **HEAD,
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Whole answer."}, "finish_reason": "stop"}],
    "usage": USAGE,
}

# Three calls whose results are 2, 4 and 9.
THREE_CALLS: dict[str, str] = {
    "same-id-three-calls": calls(*(call(*made, index=place, id="same") for place, made in enumerate(WORK))),
    "same-id-in-three-deltas": each(*(call(*made, index=place, id="same") for place, made in enumerate(WORK))),
    "same-id-same-index": each(*(call(*made, index=0, id="same") for made in WORK)),
    "same-id-no-index": each(*(call(*made, id="same") for made in WORK)),
    "no-id": calls(*(call(*made, index=place) for place, made in enumerate(WORK))),
    "empty-id": calls(*(call(*made, index=place, id="") for place, made in enumerate(WORK))),
    "no-id-no-index": calls(*(call(*made) for made in WORK)),
    "no-index": each(*(call(*made, id=f"c{place}") for place, made in enumerate(WORK))),
    "null-index-in-pieces": each(
        *(
            piece
            for place, (name, arguments) in enumerate(WORK)
            for piece in (
                call(name, arguments[:5], id=f"c{place}", index=None),
                {"index": None, "function": {"arguments": arguments[5:]}},
            )
        )
    ),
    "every-index-is-0": each(*(call(*made, index=0, id=f"c{place}") for place, made in enumerate(WORK))),
    "index-from-1": calls(*(call(*made, index=place + 1, id=f"c{place}") for place, made in enumerate(WORK))),
    "index-is-text": calls(*(call(*made, index=str(place), id=f"c{place}") for place, made in enumerate(WORK))),
    "arguments-are-an-object": calls(*(call(name, json.loads(given), index=n, id=f"c{n}") for n, (name, given) in enumerate(WORK))),
    "arguments-grow": each(
        *(
            call(name, arguments[:end], index=place, id=f"c{place}")
            for place, (name, arguments) in enumerate(WORK)
            for end in (3, 9, len(arguments))
        )
    ),
    "arguments-twice": each(*(call(*made, index=place, id=f"c{place}") for place, made in enumerate(WORK) for _ in range(2))),
    "arguments-begin-empty": each(
        *(
            call(name, given, index=place, id=f"c{place}")
            for place, (name, arguments) in enumerate(WORK)
            for given in ("{}", arguments)
        )
    ),
    "name-in-every-piece": each(
        *(
            call(name, piece, index=place, id=f"c{place}")
            for place, (name, arguments) in enumerate(WORK)
            for piece in (arguments[:4], arguments[4:])
        )
    ),
    "finish-is-stop": calls(*(call(*made, index=place, id=f"c{place}") for place, made in enumerate(WORK)), reason="stop"),
    "no-type": calls(*({"index": place, "id": f"c{place}", "function": call(*made)["function"]} for place, made in enumerate(WORK))),
    "flat": calls(*({"index": n, "id": f"c{n}", "name": name, "arguments": given} for n, (name, given) in enumerate(WORK))),
    "whole-with-calls": json.dumps(
        {
            **WHOLE,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": None, "tool_calls": [call(*made, id="same") for made in WORK]},
                    "finish_reason": "tool_calls",
                }
            ],
        }
    ),
}  # fmt: skip

# A text that is the whole answer, and what ends it.
ANSWERS: dict[str, tuple[str, str]] = {
    "refusal-field": (data(chunk(refusal="I cannot "), chunk(refusal="help with that.")) + stop(), "I cannot help with that."),
    "content-as-list": (data(chunk(content=[{"type": "text", "text": "List content"}])) + stop(), "List content"),
    "content-as-list-of-several": (
        data(chunk(content=[{"type": "text", "text": "One "}, {"type": "text", "text": "two"}, "."])) + stop(),
        "One two.",
    ),
    "content-as-part": (data(chunk(content={"type": "text", "text": "A part"})) + stop(), "A part"),
    "content-null": (data(chunk(content=None), chunk(content="Late"), chunk(content=None)) + stop(), "Late"),
    "role-repeated": (data(chunk(role="assistant", content="A"), chunk(role="assistant", content="B")) + stop(), "AB"),
    "unknown-fields": (text("Known", novelty={"a": [1]}, service_tier=5) + stop(), "Known"),
    "null-choices": (data({**HEAD, "choices": None}) + text("Here") + data({**HEAD, "choices": []}) + stop(), "Here"),
    "null-delta": (data({**HEAD, "choices": [{"index": 0, "delta": None}]}) + text("Here") + stop(), "Here"),
    "null-choice": (data({**HEAD, "choices": [None]}) + text("Here") + stop(), "Here"),
    "second-choice": (data({**HEAD, "choices": [{"index": 1, "delta": {"content": "no"}}]}) + text("Yes") + stop(), "Yes"),
    "split-surrogates": (
        'data: {"choices": [{"index": 0, "delta": {"content": "Hi \\ud83d"}}]}\n\n'
        'data: {"choices": [{"index": 0, "delta": {"content": "\\ude00!"}}]}\n\n' + stop(),
        "Hi \U0001f600!",
    ),
    "lone-surrogate-at-the-end": ('data: {"choices": [{"index": 0, "delta": {"content": "Hi \\ud83d"}}]}\n\n' + stop(), "Hi \ufffd"),
    "lone-surrogate-within": ('data: {"choices": [{"index": 0, "delta": {"content": "a \\ude00 b"}}]}\n\n' + stop(), "a \ufffd b"),
    "nul": (text("a\0b", "\0") + stop(), "ab"),
    "crlf": (text("One ", "two").replace("\n", "\r\n") + stop().replace("\n", "\r\n"), "One two"),
    "cr": (text("One ", "two").replace("\n", "\r") + stop().replace("\n", "\r"), "One two"),
    "bom": ("\ufeff" + text("One ", "two") + stop(), "One two"),
    "no-blank-after-colon": (data(chunk(content="Tight"), before="data:") + stop(), "Tight"),
    "no-empty-lines": (data(chunk(content="One "), chunk(content="two"), end="\n") + stop(), "One two"),
    "no-line-end-at-the-end": (text("All") + data(chunk("stop"), end=""), "All"),
    "data-over-lines": ("data: " + json.dumps(chunk(content="Long"), indent=1).replace("\n", "\ndata: ") + "\n\n" + stop(), "Long"),
    "data-twice": (data(chunk(content="Twice"), before="data: data: ") + stop(), "Twice"),
    "comments": (": OPENROUTER PROCESSING\n\n" + text("One ") + ": ping\n\nevent: ping\ndata: \n\n" + text("two") + stop(), "One two"),
    "signs-of-life": (text("One ") + "data: ping\n\ndata:\n\n" + text("two") + stop(), "One two"),
    "done-in-small-letters": (text("All") + data(chunk("stop")) + "data: [done]\n\n", "All"),
    "no-done": (text("All") + data(chunk("stop")), "All"),
    "no-finish-but-done": (text("All") + DONE, "All"),
    "after-done": (text("All") + stop() + text(" no") + stop(), "All"),
    "no-stream": (json.dumps(WHOLE), "Whole answer."),
    "no-stream-printed": ("\n" + json.dumps(WHOLE, indent=2) + "\n", "Whole answer."),
    "whole-in-an-event": (data(WHOLE) + DONE, "Whole answer."),
    "lines-of-json": (data(chunk(content="One "), chunk(content="two"), chunk("stop"), before="", end="\n"), "One two"),
    "list-of-chunks": (json.dumps([chunk(content="One "), chunk(content="two"), chunk("stop")]), "One two"),
    "completions-of-old": (data({**HEAD, "choices": [{"index": 0, "text": "Old"}]}) + stop(), "Old"),
    "usage-null": (text("All", usage=None) + data(chunk("stop")) + DONE, "All"),
    "usage-odd": (text("All", usage="many") + data({**chunk("stop"), "usage": {"prompt_tokens": None}}) + DONE, "All"),
    "error-null": (text("All", error=None) + stop(), "All"),
}

THOUGHTS: dict[str, str] = {
    "reasoning-content": data(chunk(reasoning_content="Hm, "), chunk(reasoning_content="yes.")) + text("42") + stop(),
    "reasoning": data(chunk(reasoning="Hm, "), chunk(reasoning="yes.", content="")) + text("42") + stop(),
    "thinking": data(chunk(thinking="Hm, "), chunk(thinking="yes.")) + text("42") + stop(),
    "reasoning-details": data(chunk(reasoning="Hm, yes.", reasoning_details=[{"type": "reasoning.text", "text": "Hm, yes."}]))
    + text("42")
    + stop(),
    "thinking-as-part": data(
        chunk(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "Hm, yes."}]}, {"type": "text", "text": "42"}])
    )
    + stop(),
    "think-tags": text("<think>\nHm, yes.\n</think>\n\n42") + stop(),
    "think-tags-split": text(*"<think>\nHm, yes.\n</think>\n\n42") + stop(),
    "thinking-tags": text("<thinking>Hm, ", "yes.</thi", "nking>", "42") + stop(),
    "channels": text("<|channel|>analysis<|mess", "age|>Hm, yes.<|e", "nd|><|start|>assistant<|channel|>final<|message|>4", "2<|return|>")
    + stop(),
    "closing-tag-alone": text("Hm, yes.\n", "</th", "ink>", "\n\n", "42") + stop(),
}

CUTS: dict[str, tuple[str, str]] = {
    "cut-by-length": (text("Once upon") + stop("length"), "length"),
    "cut-by-max-tokens": (text("Once upon") + stop("max_tokens"), "length"),
    "cut-by-filter": (text("Once upon") + stop("content_filter"), "content_filter"),
    "cut-by-safety": (text("Once upon") + stop("SAFETY"), "content_filter"),
    "ends-without-finish": (text("Once upon"), "unfinished"),
    "ends-in-a-line": (text("Once upon") + 'data: {"choi', "unfinished"),
    "no-stream-cut": (json.dumps(WHOLE | {"choices": [{**WHOLE["choices"][0], "finish_reason": "length"}]}), "length"),
}

FAILURES: dict[str, tuple[str, str]] = {
    "only-white-space": (text("\n", "  ", "\n\n") + stop(), "model_empty"),
    "nothing": (stop(), "model_empty"),
    "only-invisible": (text("\ufeff", "\u200b\n", "\u2060") + stop(), "model_empty"),
    "no-byte": ("", "model_empty"),
    "comments-only": (": ping\n\n" * 3 + DONE, "model_empty"),
    "html": ("<!doctype html><html><body>Sign in</body></html>", "model_error"),
    "words": ("upstream connect error or disconnect", "model_error"),
    "no-json": ("data: {not json\n\n", "model_error"),
    "error-in-stream": (data({"error": {"message": "overloaded", "code": 500}}), "model_error"),
    "error-as-text": (data({"error": "overloaded"}), "model_error"),
    "error-as-document": (json.dumps({"error": {"message": "It broke", "type": "server_error"}}), "model_error"),
    "error-as-object": (data({"object": "error", "message": "It broke", "code": 500}), "model_error"),
    "withheld": (stop("content_filter"), "content_policy"),
}

TOOL_THEN: dict[str, tuple[str, str]] = {
    "tool-then-nothing": (stop(), "model_added_nothing"),
    "tool-then-white-space": (text("\n \n") + stop(), "model_added_nothing"),
}

STREAMS: dict[str, list[str]] = {
    **{name: [body, SAID] for name, body in THREE_CALLS.items()},
    **{name: [body] for name, (body, _) in ANSWERS.items()},
    **{name: [body] for name, body in THOUGHTS.items()},
    **{name: [body] for name, (body, _) in (CUTS | FAILURES).items()},
    **{name: [calls(call("add", SUM, index=0, id="c")), body] for name, (body, _) in TOOL_THEN.items()},
    "said-then-tool-then-nothing": [text("Let me see.") + calls(call("add", SUM, index=0, id="c")), stop()],
    "function-call": [data(chunk(function_call={"name": "add", "arguments": SUM})) + stop("function_call"), SAID],
    "same-id-in-three-rounds": [*(calls(call(*made, index=0, id="call_0")) for made in WORK), SAID],
    "no-arguments": [calls({"index": 0, "id": "c", "function": {"name": "current_time"}}), SAID],
    "null-arguments": [calls(call("current_time", None, index=0, id="c")), SAID],
    "empty-arguments": [calls(call("current_time", "", index=0, id="c")), SAID],
    "unknown-tool": [calls(call("launch_rocket", '{"to": "moon"}', index=0, id="c"), call("add", SUM, index=1, id="d")), SAID],
    "unreadable-arguments": [calls(call("add", '{"a": 1, "b": ', index=0, id="c")), SAID],
    "arguments-are-a-list": [calls(call("add", "[1, 1]", index=0, id="c")), SAID],
    "cumulative-usage": [
        data(*({**chunk(content=f"{n} "), "usage": {**USAGE, "completion_tokens": n, "total_tokens": 5 + n}} for n in range(1, 6)))
        + DONE
    ],
    "usage-in-last-and-after": [text("A") + data({**chunk("stop"), "usage": USAGE}, {**HEAD, "choices": [], "usage": USAGE}) + DONE],
    "usage-then-zeros": [text("A", usage=USAGE) + data({**chunk("stop"), "usage": dict.fromkeys(USAGE, 0)}) + DONE],
    "usage-by-other-names": [text("A") + data({**chunk("stop"), "usage": {"input_tokens": 5, "output_tokens": 5}}) + DONE],
}  # fmt: skip


async def odd(exchange: Exchange) -> None:
    """Answer as the model's name says: with the first of its bodies, and once there are results with the next."""
    bodies = STREAMS[exchange.body["model"].rpartition("/")[2]]
    done = sum(message["role"] == "assistant" and bool(message.get("tool_calls")) for message in exchange.body["messages"])
    body = bodies[min(done, len(bodies) - 1)].encode()
    await exchange.start("application/json" if body.startswith((b"{", b"[")) else "text/event-stream")
    for start in range(0, len(body), 700):  # which falls in the middle of characters and lines
        await exchange.send(body[start : start + 700])
    await exchange.end()
