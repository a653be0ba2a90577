"""The grammar of the scripted models."""

import pytest

from agentos.agents import scripts, tools
from agentos.agents.scripts import Script, parse


class TestParse:
    @pytest.mark.parametrize(
        ("text", "script"),
        [
            ("200x20", Script("words", 200, 20)),
            ("0x0", Script("words")),
            ("hang", Script("hang")),
            ("hang@5", Script("hang", 5)),
            ("fail@0", Script("fail")),
            ("fail@5x10", Script("fail", 5, 10)),
            ("tour", Script("tour")),
            ("echo", Script("echo")),
            ("title", Script("title")),
        ],
    )
    def test_reads_a_script(self, text: str, script: Script) -> None:
        assert parse(text) == script

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "20",
            "x20",
            "20x",
            "-1x5",
            "200x20 ",
            "200X20",
            "tour@3",
            "fail@",
            "hang@1x",
            "words",
            "999999x1",
            "1x99999",
            "٢x٢",
            "10x5\n",
        ],
    )
    def test_refuses_what_is_none(self, text: str) -> None:
        assert parse(text) is None

    def test_scripts_call_tools_that_exist(self) -> None:
        assert {slug for act in scripts._TOOLS for slug in Script(act).tools} <= set(tools.fixed())
