"""SKILL.md as others write it, and as we write it."""

import pytest

from agentos.skills.document import FRONT_LIMIT, TEXT_LIMIT, composed, parse
from agentos.skills.errors import BadSkill
from agentos.skills.models import DESCRIPTION_LENGTH, NAME_LENGTH

PUBLIC = """---
name: pdf-forms
description: Fill in PDF forms. Use it when somebody has a form to fill in.
license: Apache-2.0
# what it may use
allowed-tools: Bash(python:*) Read
metadata:
  author: example-org
  version: "1.0"
  dated: 2024-13-99
---

# Forms

Read references/fields.md first.
"""


def said(front: str, body: str = "Do it.") -> str:
    return f"---\n{front}\n---\n{body}\n"


class TestParsing:
    def test_reads_a_public_skill_and_keeps_all_of_it(self) -> None:
        found = parse(PUBLIC)
        assert (found.name, found.text) == ("pdf-forms", PUBLIC)
        assert found.description == "Fill in PDF forms. Use it when somebody has a form to fill in."
        assert found.rest.startswith("license: Apache-2.0\n# what it may use\nallowed-tools: Bash(python:*) Read\nmetadata:\n  author:")
        assert "dated: 2024-13-99" in found.rest
        assert found.body.strip().startswith("# Forms")

    @pytest.mark.parametrize(
        "front",
        [
            "name: a\ndescription: Use when: it rains",  # no YAML, and often written
            'name: "a"\ndescription: "Use when: it rains"',
            "name: a\ndescription: >\n  Use when:\n  it rains",
            '{name: a, description: "Use when: it rains"}',
            "description: |\n  Use when: it\n  rains\nname: a",
            "name: a\r\ndescription: Use when: it rains",
        ],
    )
    def test_reads_it_however_it_is_written(self, front: str) -> None:
        for text in (said(front), "\ufeff" + said(front)):
            found = parse(text)
            assert (found.name, found.description, found.rest) == ("a", "Use when: it rains", "")

    def test_takes_numbers_and_dates_for_the_text_that_they_are(self) -> None:
        assert parse(said("name: 2024\ndescription: 1.10")).description == "1.10"

    def test_keeps_html_as_text(self) -> None:
        assert "<script>alert(1)</script>" in parse(said("name: a\ndescription: <b>x</b>", "<script>alert(1)</script>")).body

    @pytest.mark.parametrize(
        ("text", "field", "sentence"),
        [
            ("# Just Markdown", "text", "has no front matter"),
            ("", "text", "has no front matter"),
            ("---\nname: a\ndescription: b\n", "text", "has no end"),
            (said("description: b"), "name", "has no “name”"),
            (said("name: a"), "description", "has no “description”"),
            (said("name: a\ndescription:"), "description", "Say what it is for"),
            (said("name: [a]\ndescription: b"), "name", "Give it a name"),
            (said("name: PDF Forms\ndescription: b"), "name", "for example: pdf-forms"),
            (said("name: a--b\ndescription: b"), "name", "for example: a-b"),
            (said("name: ../../etc\ndescription: b"), "name", "single dashes"),
            (said(f"name: {'a' * (NAME_LENGTH + 1)}\ndescription: b"), "name", "at most 64 characters; this one has 65"),
            (
                said(f"name: a\ndescription: {'b' * (DESCRIPTION_LENGTH + 1)}"),
                "description",
                "at most 1,024 characters; this one",
            ),
            (said("name: a\ndescription: b", ""), "body", "is empty"),
            (said("name: a\ndescription: b", "x" * TEXT_LIMIT), "text", "at most 100,000 characters"),
            (said(f"name: a\ndescription: b\nmore: {'c' * FRONT_LIMIT}"), "text", "at most 10,000 characters"),
            (said("- a\n- b"), "text", "keys and values"),
            (said("name: a\ndescription: 'b"), "text", "is no YAML, line"),
            (said("name: a\ndescription: b\nmore: *nothing"), "text", "is no YAML, line 4"),
            (said("name: a\ndescription: b\nmore: !!python/object/apply:os.system [ls]\n? [a]\n: b"), "text", "is no YAML"),
            (said("name: a\ndescription: b\nmore: " + "[" * 5000), "text", "is no YAML"),
        ],
    )
    def test_says_in_a_sentence_what_is_wrong(self, text: str, field: str, sentence: str) -> None:
        with pytest.raises(BadSkill) as refused:
            parse(text)
        assert refused.value.field == field
        assert sentence in refused.value.sentence

    def test_makes_no_objects_of_tags(self) -> None:
        assert "python/object" in parse(said("name: a\ndescription: b\nmore: !!python/object/apply:os.system [ls]")).rest


class TestComposing:
    def test_changes_what_was_changed_and_keeps_the_rest(self) -> None:
        base = parse(PUBLIC)
        made = composed(name="pdf-forms", description="Fill in forms: all of them", body="Do it.", rest=base.rest, base=base)
        assert (made.description, made.rest, made.body.strip()) == ("Fill in forms: all of them", base.rest, "Do it.")
        assert parse(made.text) == made

    def test_leaves_what_was_not_changed_as_it_was_written(self) -> None:
        base = parse(PUBLIC)
        assert composed(name=base.name, description=base.description, body=base.body, rest=base.rest, base=base) is base
        assert (
            composed(name=base.name, description=base.description, body=base.body.replace("\n", "\r\n"), rest=base.rest, base=base) is base
        )

    @pytest.mark.parametrize(
        ("parts", "field"),
        [
            ({"name": ""}, "name"),
            ({"name": "Big"}, "name"),
            ({"description": " "}, "description"),
            ({"body": "\n"}, "body"),
            ({"rest": "a: 'b"}, "text"),
            ({"rest": "name: other"}, "rest"),
            ({"rest": "---\nx: y"}, "rest"),
        ],
    )
    def test_takes_nothing_that_could_not_be_read_again(self, parts: dict[str, str], field: str) -> None:
        with pytest.raises(BadSkill) as refused:
            composed(**{"name": "a", "description": "b", "body": "Do it.", **parts})  # type: ignore[arg-type]
        assert refused.value.field == field
