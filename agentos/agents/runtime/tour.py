"""What the scripted tour says. The results of its two tool calls are real; the rest is written here."""

from collections.abc import Sequence

_THOUGHTS = (
    "The visitor wants to see what an answer can hold. ",
    "I will think aloud for a moment, which is folded away like this. ",
    "Then I ask two tools, since numbers and times are better looked up than remembered: ",
    "the calculator for a product, the clock for the time in Berlin. ",
    "With their results I can show text, a list, a table, code and a link.",
)

_ANSWER = """\
Welcome. **This is a scripted answer**: no language model wrote it, so it is the same every time, needs no key and costs nothing. \
Only the two tool calls above it were real.

## What you have seen so far

1. *Thinking*, folded into one line. Open it to read it.
2. *Tool calls*, one quiet line each. {product} {time}
3. Text that arrives word by word and is on disk before you see it. Reload this page while an answer is being written: nothing is lost.

## Code

```python
def primes(limit: int) -> list[int]:
    \"\"\"Return the primes below a limit.\"\"\"
    sieve = bytearray([1]) * limit
    for n in range(2, int(limit**0.5) + 1):
        if sieve[n]:
            sieve[n * n :: n] = bytes(len(range(n * n, limit, n)))
    return [n for n in range(2, limit) if sieve[n]]


print(primes(50))
```

## A table

| Where a model lives | Written as | Needs |
|---|---|---|
| in this installation | `local:smollm2` | nothing |
| on your own machine | `ollama:llama3.1` | a running Ollama |
| at a provider | `openai:gpt-5.4-mini` | a key in the environment |

## And the rest

- Agents belong to everyone, to a team, or to a plan.
- A list can have points inside points:
    - such as this one,
    - or this.
- Links say where they lead, for example [the documentation of Agno](https://docs.agno.com).

> Ask again and you will get the same words. For an answer of its own, pick an agent that has a model.
"""


def thoughts_of_the_tour() -> Sequence[str]:
    return [word + " " for thought in _THOUGHTS for word in thought.split()]


def answer_of_the_tour(results: Sequence[str]) -> str:
    """Return the answer, with what the calculator and the clock have said."""
    product = f"The calculator says that 127 times 89 is {results[0]}." if results else ""
    time = f"The clock says that it is {results[1]}." if len(results) > 1 else ""
    return _ANSWER.format(product=product, time=time)
