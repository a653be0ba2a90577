"""Reasoning between tags: found at the beginning of an answer however it is cut, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentos.agents.runtime.thinking import CONTENT, REASONING, RETHOUGHT, ThinkTags, without_thoughts

ABOUT_TAGS = [
    "The tags are `<think>` and `</think>`.",
    "Write\n\n```\n<think>\nHm\n</think>\n```\n\nThen go on.",
    "A model closes its thoughts with </think> and goes on.",
    "First <think>\nthen\n</think>\nwas said.",
    "a < b and b <thin ice",
    "<thinker>is another tag</thinker>",
    "<thin",
    "[think](https://example.com) of it",
    "<|channels|> and <|end|>",
    "<",
    "x <think",
]
FOLDED = [
    ("<think>Hm</think>42", "Hm", "42"),
    ("\n <think>\nHm\n</think>\n\n42", "Hm", "42"),
    ("<THINK>Hm</THINK>42", "Hm", "42"),
    ("<think>a</think>\n<think>b</think>42", "ab", "42"),
    ("<think>\n\n</think>\n\n42", "", "42"),
    ("</think>\n\n42", "", "42"),
    ("<think>no end", "no end", ""),
    ("<think>a < b </thin k </think>42", "a < b </thin k", "42"),
    ("Hm.\n</think>\n\n42", "Hm.", "42"),
    ("Hm.</think>\n\n42", "Hm.", "42"),
    ("Hm.\n</think>", "Hm.", ""),
    ("<think>Hm</think>Write </think> there.", "Hm", "Write </think> there."),
    ('<think type="deep">Hm</think>42', "Hm", "42"),
    ("<think >Hm</think>42", "Hm", "42"),
    ("\ufeff<think>Hm</think>42", "Hm", "42"),
    ("<think>Hm</thinking>42", "Hm", "42"),
    ("<think>\u0130\u0130\u0130</think>42", "\u0130\u0130\u0130", "42"),  # whose small letter is two characters
    ("<thought>Hm</thought>42", "Hm", "42"),
    ("<reasoning>Hm</reasoning>42", "Hm", "42"),
    ("<seed:think>Hm</seed:think>42", "Hm", "42"),
    ("[THINK]Hm[/THINK]42", "Hm", "42"),
    ("\u25c1think\u25b7Hm\u25c1/think\u25b742", "Hm", "42"),
    ("<|begin_of_thought|>Hm<|end_of_thought|>\n<|begin_of_solution|>42<|end_of_solution|>", "Hm", "42"),
    ("<|channel|>analysis<|message|>Hm<|end|><|start|>assistant<|channel|>final<|message|>42<|return|>", "Hm", "42"),
    ("<|channel|>final<|message|>42 <|end|> 43", "", "42 <|end|> 43"),
]


def told(*texts: str) -> tuple[str, str]:
    """Return reasoning and answer."""
    tags, thought, said = ThinkTags(), "", ""
    pieces = [piece for part in texts for piece in tags.feed(part)]
    for field, text in [*pieces, *tags.end()]:
        if field == RETHOUGHT:
            thought, said = thought + said, ""
        elif field == REASONING:
            thought += text
        else:
            assert field == CONTENT
            said += text
    return thought.strip(), said.strip()


@pytest.mark.parametrize("text", ABOUT_TAGS)
def test_leaves_alone_what_is_about_the_tags(text: str) -> None:
    assert told(text) == told(*text) == ("", text)
    assert without_thoughts(text).strip() == text


@pytest.mark.parametrize(("text", "thought", "said"), FOLDED)
def test_is_told_apart(text: str, thought: str, said: str) -> None:
    assert told(text) == told(*text) == (thought, said)
    assert without_thoughts(text).strip() == said


@given(
    st.lists(
        st.sampled_from(
            [
                "<think>",
                "</think>",
                "<",
                "</th",
                "ink>",
                "a",
                "\n",
                "`",
                "```\n",
                ". ",
                "<think a=",
                ">",
                "[think]",
                "[/think]",
                "<|channel|>final<|message|>",
                "<|end|>",
            ]
        ),
        max_size=12,
    ),
    st.integers(1, 5),
)
def test_is_the_same_however_it_is_cut(pieces: list[str], size: int) -> None:
    text = "".join(pieces)
    assert told(text) == told(*text) == told(*(text[start : start + size] for start in range(0, len(text), size)))
