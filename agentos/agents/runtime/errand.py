"""What the scripted errand does: it searches, reads, calculates, draws, and writes a mail that waits for a person. Every call is real."""

import json
import re
from collections.abc import Sequence

from agentos.agents.runtime.dictated import Calls

PAGE = "https://rehearsal.example/prices"  # one that is part of AgentOS (agents/tools/rehearsal.py)
TEAM = "team@example.com"
PRICE = re.compile(r"\b(20\d\d): (\d+)")
SEARCH, READ, COMPUTED, DRAWN, MAILED = range(5)  # which result is which
ROUNDS = 4

_THOUGHTS = (
    "I am to find out what tea costs and to tell the team. First I look for a page that knows. ",
    "One of the results has prices by year, so I read that page. ",
    "There they are. I let Python work out the change, since I am no good at arithmetic, and draw the prices. ",
    "Now the mail to the team. Others get it, so nobody sends it before you have read it. ",
)

_CODE = """prices = {prices}
first, *_, last = prices.values()
years = len(prices) - 1
print(f"From {{first}} to {{last}} EUR a kilogram in {{years}} years: {{last / first - 1:+.1%}} in all,")
print(f"{{(last / first) ** (1 / years) - 1:+.1%}} a year.")"""

_MAIL = """Hello,

this is what tea has cost, in EUR a kilogram:

{prices}

{computed}

Errand, an agent"""

_ANSWER = """\
**This is a scripted answer**: no language model wrote it. The calls above it were real, but for the web, which is three pages of AgentOS, \
and for the mail server, unless you have set one up.

- *Web search* found a page about prices, *Fetch page* read it.
- *Python* said: {computed}
- *Chart* drew what you see above; its numbers are below it as a table.
- *Send mail* asked you first, and showed you every word. {mailed}

Give such tools to an agent with a real model, and it decides by itself what to look for, to read and to write.
"""
_NOTHING = "The page of prices could not be read, so there is nothing to calculate and nobody to tell: {read}"


def thoughts_of_the_errand(rounds: int) -> Sequence[str]:
    return [word + " " for word in _THOUGHTS[rounds].split()] if rounds < len(_THOUGHTS) else []


def calls_of_the_errand(rounds: int, results: Sequence[str]) -> Calls:
    """Return what is called after so many requests with calls."""
    if rounds == 0:
        return (_call("web_search", query="what tea costs"),)
    if rounds == 1:
        return (_call("fetch_page", url=PAGE),)
    prices = _prices(results)
    if len(prices) < 2 or rounds >= ROUNDS:  # noqa: PLR2004 - no change from one number
        return ()
    if rounds == ROUNDS - 1:
        text = _MAIL.format(prices=_lines(prices), computed=results[COMPUTED].strip())
        return (_call("send_mail", subject="What tea costs", text=text, to=[TEAM]),)
    series = [{"name": "EUR a kilogram", "values": list(prices.values())}]
    return (
        _call("run_python", code=_CODE.format(prices=prices)),
        _call("make_chart", kind="bar", title="Green tea, EUR a kilogram", labels=list(map(str, prices)), series=series),
    )


def answer_of_the_errand(results: Sequence[str]) -> str:
    if len(results) <= MAILED:
        return _NOTHING.format(read=results[READ][:300] if len(results) > READ else "it was not found.")
    return _ANSWER.format(computed=" ".join(results[COMPUTED].split()), mailed=results[MAILED].strip())


def _prices(results: Sequence[str]) -> dict[int, int]:
    return {int(year): int(price) for year, price in PRICE.findall(results[READ])} if len(results) > READ else {}


def _lines(prices: dict[int, int]) -> str:
    return "\n".join(f"{year}: {price}" for year, price in prices.items())


def _call(name: str, **arguments: object) -> tuple[str, str]:
    return name, json.dumps(arguments)
