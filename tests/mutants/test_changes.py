"""The faults that are put in: of each kind, none where nobody would run it, the same ones every time."""

import random
import tomllib
from pathlib import Path
from types import FunctionType

import pytest
from django.utils.functional import SimpleLazyObject

from tests.mutants.__main__ import DECIDING, HARMLESS, ROOT, deciding
from tests.mutants.changes import mutants
from tests.mutants.covering import imports, in_turn, known_harmless
from tests.mutants.ready import _change, _functions


def changed(source: str, path: str = "agentos/x.py") -> set[str]:
    """Each line that a fault makes of a module's text."""
    data = source.encode()
    return {mutant.lines(data)[1] for mutant in mutants(path, data)}


@pytest.mark.parametrize(
    ("line", "faults"),
    [
        ("a = b < c", {"a = (b >= c)", "a = (b <= c)"}),
        ("a = b == c", {"a = (b != c)"}),
        ("a = b in c", {"a = (b not in c)"}),
        ("a = b is not c", {"a = (b is c)"}),
        ("a = b and c or d", {"a = ((b and c) and d)", "a = (b or c) or d"}),
        ("a = not b", {"a = (b)"}),
        ("a(b)", {"pass"}),
        ("a = b.filter(c).first()", {"a = (b).first()"}),
        ("a = 30", {"a = 31"}),
        ("a = b if c else d", {"a = b if True else d", "a = b if False else d"}),
        ("a = [b for b in c if d]", {"a = [b for b in c if True]", "a = [b for b in c if False]"}),
        ("def f(): return 'ä', b", {"def f(): return None"}),
        ("def f(): return False", {"def f(): return True"}),
        ("while True: a = b", {"while False: a = b"}),
        ("while a: break", {"while True: break", "while False: break", "while a: continue"}),
        ("if (a := b()): pass", {"if (((a := b()) or True)): pass", "if (((a := b()) and False)): pass"}),
    ],
)
def test_a_line_has_its_faults(line: str, faults: set[str]) -> None:
    assert changed(line) == faults


@pytest.mark.parametrize(
    "line",
    [
        "a: Literal[1] = b",
        "def f(a: Literal[1]) -> Literal[1]: ...",
        "a = f'{b[1]}'",
        "assert a == b",
        "logger.warning('said')",
        "'''A docstring.'''",
        "def f(): return None",
        "LIMIT = 50",
        "if TYPE_CHECKING: a = 1",
    ],
)
def test_what_decides_nothing_has_none(line: str) -> None:
    assert changed(line) == set()


def test_fields_of_a_model_are_held_by_its_migrations() -> None:
    source = "class A(Model):\n    b = CharField(max_length=5)\n    def c(self):\n        return 1\n"
    assert changed(source, "agentos/x/models.py") == {"return None", "return 2"}


@pytest.mark.parametrize("glob", DECIDING)
def test_the_files_that_decide_are_where_the_list_says(glob: str) -> None:
    assert [*(ROOT / "agentos").glob(f"{glob}.py")]


def test_every_fault_of_the_product_is_a_program() -> None:
    for path, source in deciding([]).items():
        for mutant in mutants(path, source):
            compile(mutant.apply(source), path, "exec")


def test_one_seed_draws_the_same_ones() -> None:
    source = (ROOT / "agentos/core/ratelimit/limits.py").read_bytes()
    first, second = (random.Random(7).sample(mutants("agentos/core/ratelimit/limits.py", source), 5) for _ in range(2))
    assert first == second


class TestAFaultInMemory:
    def test_reaches_functions_methods_and_what_wraps_them(self, tmp_path: Path) -> None:
        path = tmp_path / "agentos" / "x.py"
        path.parent.mkdir()
        text = "def wrap(f):\n    def inside():\n        return f() + 10\n    return inside\n\n@wrap\ndef one():\n    return 1\n"
        path.write_text(text)
        space: dict[str, FunctionType] = {}
        exec(compile(text, str(path), "exec"), space)  # noqa: S102
        functions = _functions()[str(path)]
        assert _change(str(path), text.replace("return 1", "return 2"), functions)
        assert space["one"]() == 12
        assert not _change(str(path), text + "X = 1\n", functions)

    def test_asks_no_lazy_object_what_it_is(self, tmp_path: Path) -> None:
        """A request's user is one, which would ask the database."""
        asked: list[bool] = []
        lazy = SimpleLazyObject(lambda: asked.append(True))
        self.test_reaches_functions_methods_and_what_wraps_them(tmp_path)
        assert not asked, repr(lazy)


class TestAFaultInWhatIsDoneAtTheImport:
    """No test runs it: asked are tests of whoever imports the module, of many files."""

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("from agentos.api.scopes import ScopedRouter\n", True),
            ("from agentos.api import errors, scopes\n", True),
            ("    import agentos.api.scopes\n", True),
            ("from agentos.api.scopes_of import more\n", False),
            ("from agentos.api import scoped\n", False),
            ("scopes = agentos.api.scopes\n", False),
        ],
    )
    def test_is_sought_where_its_module_is_imported(self, text: str, found: bool) -> None:
        assert imports(f"import os\n{text}", "agentos/api/scopes.py") == found

    def test_is_asked_of_one_test_of_each_file_first(self) -> None:
        assert in_turn(["a::1", "a::2", "a::3", "b::1", "c::1", "b::2"]) == ["a::1", "b::1", "c::1", "a::2", "b::2", "a::3"]


class TestHarmlessOnes:
    def test_are_still_there_and_say_why(self) -> None:
        """Every entry names a fault that can be put in."""
        for entry in tomllib.loads(HARMLESS.read_text(encoding="utf-8")).get("harmless", []):
            source = (ROOT / entry["file"]).read_bytes()
            assert any(known_harmless(mutant, source, [entry]) for mutant in mutants(entry["file"], source)), entry
