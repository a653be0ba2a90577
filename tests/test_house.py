"""The rules that keep the code as it is described in CONTRIBUTING: what a reviewer would otherwise have to remember."""

import ast
import hashlib
import inspect
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from agentos.access.models import User
from site_config.env import SETTINGS

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = [ROOT / "manage.py", *sorted(ROOT.glob("site_config/**/*.py")), *sorted(ROOT.glob("agentos/**/*.py"))]
TESTS = sorted(ROOT.glob("tests/**/*.py"))
WRITTEN = [path for path in PRODUCT if "migrations" not in path.parts]

# What anybody may open, and why.
PUBLIC = {
    "billing:events": "proven by the signature of Stripe",
    "access:sign-in": "how one gets in",
    "access:sign-out": "harmless, and must work when a session is over",
    ":account_login": "how one gets in",
    ":account_logout": "harmless, and must work when a session is over",
    ":account_signup": "how one gets an account, where the site lets people",
    ":account_email_verification_sent": "says to look at one's mail",
    ":account_confirm_email": "for whoever has the link of a mail",
    ":account_reset_password": "for whoever has forgotten a password",
    ":account_reset_password_done": "says to look at one's mail",
    ":account_reset_password_from_key": "for whoever has the link of a mail",
    ":account_reset_password_from_key_done": "says that it is done",
    ":mfa_authenticate": "the second step of signing in",
    ":mfa_login_webauthn": "how one gets in with a passkey",
    ":socialaccount_signup": "how one gets in by a provider for the first time",
    ":openid_connect_login": "how one gets in by a provider",
    ":openid_connect_callback": "where the provider leads back to",
    ":openid_connect_logout": "called by a provider, proven by its signature",
    "dashboard:invitation": "for whoever has the link of an invitation",
    "dashboard:invitation-here": "the same, once the link is remembered",
    "api:openapi-json": "describes the API, holds no data",
    "api:docs": "the same, for people",
    "api:integrations": "examples, the same for everybody",
    "api:api-root": "is only the API's own base for reverse()",
    "openai:openapi-json": "describes the API, holds no data",
    "openai:api-root": "is only the API's own base for reverse()",
    "operations:set-up": "makes the first account, for whoever has the link that the server printed",
    "webhooks:agentos_webhook": "called by other systems, starts nothing",
    "webhooks:receive": "called by other systems, proven by a signature",
}
THEIRS = ("account_", "mfa_", "socialaccount_", "openid_connect_")  # names that django-allauth looks for
GUARDS = {"signed_in", "operator_only"}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


class TestModules:
    def test_say_what_lives_in_them(self) -> None:
        """A module that is not empty begins with a docstring."""
        assert [
            name(path) for path in [*WRITTEN, *TESTS] if path.read_text(encoding="utf-8").strip() and not ast.get_docstring(tree(path))
        ] == []

    def test_declare_html_safe_in_one_place(self) -> None:
        trusted = ROOT / "agentos/core/rendering/markdown.py"
        calls = re.compile(r"\bmark_safe\b|\bSafe(?:String|Text)\([^)]|__html__")
        assert [name(path) for path in WRITTEN if path != trusted and calls.search(path.read_text(encoding="utf-8"))] == []

    def test_look_down_only(self) -> None:
        """The import rules of pyproject.toml."""
        lint = Path(sys.executable).parent / "lint-imports"
        done = subprocess.run([str(lint), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout

    def test_ask_django_htmx_what_a_request_is(self) -> None:
        """None reads htmx's headers itself."""
        reads = re.compile(r"""(?:get\(|META\[|(?:headers|environ)\[)["'](?:HX-|HTTP_HX_)[\w-]+["'](?!\]\s*(?:,[^=]*)?=[^=])""")
        assert [name(path) for path in WRITTEN if reads.search(path.read_text(encoding="utf-8"))] == []
        assert reads.search('request.headers.get("HX-Request")')
        assert reads.search('if request.headers["HX-Boosted"] == "true"')
        assert not reads.search('answer.headers["HX-Reswap"] = "outerHTML"')


class TestNotices:
    def test_are_marked_for_translation(self) -> None:
        """What a view says in the corner of a page: ``messages.success(request, _("Saved."))``."""
        found = [
            f"{name(path)}:{node.lineno}"
            for path in WRITTEN
            for node in ast.walk(tree(path))
            if isinstance(node, ast.Call) and is_notice(node.func) and any(is_unmarked(argument) for argument in node.args[1:])
        ]
        assert found == []

    @pytest.mark.parametrize("unmarked", ['"Saved."', 'f"{name} was deleted."', '_("Yes.") if done else "No."', '"%s is here." % name'])
    def test_are_told_from_marked_ones(self, unmarked: str) -> None:
        assert is_unmarked(ast.parse(unmarked, mode="eval").body)
        assert not is_unmarked(ast.parse('_("%(name)s is here.") % {"name": name} if done else problem.sentence', mode="eval").body)


class TestProblems:
    """What a person reads of an error, in the rooms whose errors pages show: ``raise WrongState(_("This answer is complete."))``. What only
    programs are told (the API, the gateway, a connection) stays as it is."""

    ROOMS = ("access", "agents", "chat", "dashboard", "operations", "webhooks", "service.py")

    def test_are_marked_for_translation(self) -> None:
        paths = [path for path in WRITTEN if path.is_relative_to(ROOT / "agentos") and path.relative_to(ROOT).parts[1] in self.ROOMS]
        kinds = problems([tree(path) for path in WRITTEN])
        assert {"ChatError", "InvalidInput", "WebhookError"} < kinds
        assert [f"{name(path)}:{line}" for path in paths for line in unmarked_problems(tree(path), kinds)] == []

    @pytest.mark.parametrize(
        ("code", "lines"),
        [
            ('raise Wrong("A title cannot be empty.")', [1]),
            ('raise Wrong("title", f"A title can have {LIMIT} characters.")', [1]),
            ('GONE = "It is gone."\nraise Wrong(GONE)', [2]),
            ('class Wrong(Problem):\n    def __init__(self):\n        super().__init__("It is gone.")', [3]),
            ('GONE = _("It is gone.")\nraise Wrong("title", GONE, code="gone")', []),
            ('raise Wrong(_("A title can have %(limit)s characters.") % {"limit": LIMIT})', []),
            ('raise ValueError("No person reads this.")', []),
        ],
    )
    def test_are_told_from_marked_ones(self, code: str, lines: list[int]) -> None:
        assert unmarked_problems(ast.parse(code), {"Problem", "Wrong"}) == lines


class TestForms:
    """What a form says of its fields."""

    SAYS = frozenset({"label", "help_text", "empty_label"})
    BESIDE = frozenset({"placeholder", "title", "required", "invalid", "max_length"})  # of attrs and error_messages

    def unmarked(self, module: ast.Module) -> list[int]:
        said = [word.value for node in ast.walk(module) if isinstance(node, ast.Call) for word in node.keywords if word.arg in self.SAYS]
        for node in ast.walk(module):
            if isinstance(node, ast.Dict):
                pairs = zip(node.keys, node.values, strict=True)
                said += [value for key, value in pairs if isinstance(key, ast.Constant) and key.value in self.BESIDE]
        return sorted(each.lineno for each in said if is_unmarked(each) and "://" not in ast.unparse(each))

    def test_are_marked_for_translation(self) -> None:
        paths = [path for path in WRITTEN if path.match("*/forms.py") or path.match("*/*_form.py") or path.name == "sign_in.py"]
        assert len(paths) >= 10
        assert [f"{name(path)}:{line}" for path in paths for line in self.unmarked(tree(path))] == []

    def test_are_told_from_marked_ones(self) -> None:
        code = 'F(label="Name", attrs={"placeholder": "What?"})\nF(label=_("Name"), attrs={"rows": "2", "placeholder": "https://x"})'
        assert self.unmarked(ast.parse(code)) == [1, 1]


class TestSentencesOfFailures:
    """Those that a run is told by its code, and the names of groups and entries: kept as data, translated when they are shown."""

    @pytest.mark.parametrize("path", ["agents/failures.py", "dashboard/palette.py", "dashboard/sidebar.py"])
    def test_are_marked_for_translation(self, path: str) -> None:
        module = tree(ROOT / "agentos" / path)
        marked = {id(said) for node in ast.walk(module) if isinstance(node, ast.Call) and is_mark(node.func) for said in node.args}
        prose = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}  # docstrings
        found = [
            node.value
            for node in ast.walk(module)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in marked | prose
        ]
        assert [text for text in found if re.match(r"[A-Z{].* |[A-Z][a-z]+$", text)] == []


def is_mark(called: ast.expr) -> bool:
    return isinstance(called, ast.Name) and called.id in {"_", "gettext", "gettext_lazy", "gettext_noop"}


def problems(trees: list[ast.Module]) -> set[str]:
    """The names of ``Problem`` and of all classes that come of it."""
    bases = [
        (node.name, {ast.unparse(base).rpartition(".")[2] for base in node.bases})
        for each in trees
        for node in ast.walk(each)
        if isinstance(node, ast.ClassDef)
    ]
    found = {"Problem"}
    while more := {name for name, of in bases if of & found} - found:
        found |= more
    return found


def unmarked_problems(module: ast.Module, kinds: set[str]) -> list[int]:
    """The lines in which an error of these kinds is made with a sentence that no ``_()`` is round, there or where it got its name."""
    named: dict[str, list[ast.expr]] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                named.setdefault(ast.unparse(target), []).append(node.value)
    made = [node for node in ast.walk(module) if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in kinds]
    for each in ast.walk(module):
        if isinstance(each, ast.ClassDef) and each.name in kinds:
            made += [node for node in ast.walk(each) if isinstance(node, ast.Call) and ast.unparse(node.func) == "super().__init__"]
    return sorted(
        node.lineno
        for node in made
        for said in node.args
        if any(is_sentence(value) and is_unmarked(value) for value in named.get(ast.unparse(said), [said]))
    )


def is_sentence(said: ast.expr) -> bool:
    return any(isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value for node in ast.walk(said))


def is_notice(called: ast.expr) -> bool:
    return isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id == "messages"


def is_unmarked(said: ast.expr) -> bool:
    """Whether a sentence stands in this expression that no ``_()`` is round."""
    if isinstance(said, ast.IfExp):
        return is_unmarked(said.body) or is_unmarked(said.orelse)
    if isinstance(said, ast.BinOp):
        return is_unmarked(said.left)
    return isinstance(said, ast.JoinedStr) or (isinstance(said, ast.Constant) and isinstance(said.value, str))


class TestViews:
    def test_leave_the_database_to_actions_and_queries(self) -> None:
        """No ``.objects``, no ``.save()``, no ``transaction``: a face parses, asks, answers."""
        faces = [path for path in WRITTEN if path.name in {"views.py", "forms.py"} or {"views", "api"} & set(path.relative_to(ROOT).parts)]
        found = [f"{name(path)}: {ast.unparse(node)}" for path in faces for node in ast.walk(tree(path)) if writes(node)]
        assert found == []


def writes(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr in {"objects", "save"}
    return isinstance(node, ast.Name) and node.id == "transaction"


def actions() -> Iterator[tuple[str, Any]]:
    """Yield what a room offers as its actions."""
    for path in sorted((ROOT / "agentos").glob("*/actions*")):
        module: ModuleType = import_module(f"agentos.{path.parent.name}.actions")
        for label, function in inspect.getmembers(module, inspect.isfunction):
            if inspect.unwrap(function).__module__.startswith(module.__name__) and not label.startswith("_"):
                yield f"{module.__name__}.{label}", inspect.unwrap(function)


NOT_BY_A_PERSON = {
    "agentos.audit.actions.record": "the record itself, with its verb first",
    "agentos.webhooks.inbound.actions.receive_event": "another system has sent it",
    "agentos.webhooks.inbound.actions.receive_delivery": "another system has sent it, and the endpoint's service identity acts",
}


class TestActions:
    def test_are_called_by_keyword_and_say_who_acts(self) -> None:
        allowed = {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}
        for label, action in actions():
            if label not in NOT_BY_A_PERSON and ".check_" not in label:  # a check changes nothing
                parameters = inspect.signature(action).parameters
                assert "by" in parameters, f"{label} does not say who acts; a helper's name begins with _"
                assert {parameter.kind for parameter in parameters.values()} <= allowed, label


def urls(resolver: URLResolver | None = None, space: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            if pattern.namespace != "admin":  # asks for an operator by itself
                yield from urls(pattern, pattern.namespace or space)
        else:
            yield f"{space}:{pattern.name}", pattern


class TestUrls:
    def test_have_a_name_and_a_guard(self) -> None:
        for label, pattern in urls():
            space, _, own = label.partition(":")
            assert space or own.startswith(THEIRS), f"{pattern} stands in no room"
            assert own not in {"", "None"}, f"{pattern} has no name"
            if label not in PUBLIC:
                assert getattr(pattern.callback, "guard", "") in GUARDS, f"{label} is open to anybody: guard it or say why in PUBLIC"

    def test_keep_public_what_is_there(self) -> None:
        assert set(PUBLIC) <= {label for label, _ in urls()}

    def test_of_the_api_ask_for_an_authentication_in_each_operation(self) -> None:
        from agentos.api.app import api

        paths = api.get_openapi_schema()["paths"]
        assert paths
        open_to_all = [
            f"{method} {path}" for path, methods in paths.items() for method, operation in methods.items() if not operation.get("security")
        ]
        assert open_to_all == []


class TestSettings:
    @pytest.mark.parametrize("name", SETTINGS)
    def test_stand_in_the_readme_with_their_help(self, name: str) -> None:
        readme = ROOT / "README.md"
        assert readme.exists()
        rows = [line for line in readme.read_text(encoding="utf-8").splitlines() if line.startswith(f"| `{name}` |")]
        assert len(rows) == 1, f"README.md has {len(rows)} rows for {name}"
        assert SETTINGS[name].help in rows[0]

    def test_of_the_readme_exist(self) -> None:
        rows = re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \|", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
        assert set(rows) == set(SETTINGS)


class TestMigrations:
    @pytest.mark.parametrize("path", sorted(ROOT.glob("agentos/*/migrations/[0-9]*.py")), ids=name)
    def test_are_named_after_what_they_do(self, path: Path) -> None:
        assert not re.search(r"_auto_|^\d{4}_initial$", path.stem)


class TestVendoredFiles:
    FOLDER = ROOT / "static/vendor"

    def rows(self) -> list[list[str]]:
        lines = (self.FOLDER / "VERSIONS").read_text(encoding="utf-8").splitlines()
        return [line.split() for line in lines if line and not line.startswith("#")]

    def test_are_all_listed(self) -> None:
        there = {path.name for path in self.FOLDER.iterdir()} - {"VERSIONS"}
        assert {file for _, _, _, file, _ in self.rows()} == {file for file in there if not file.endswith("LICENSE")}

    def test_are_what_was_published(self) -> None:
        for label, version, _, file, digest in self.rows():
            assert file == f"{label}-{version}.min.js"
            assert hashlib.sha256((self.FOLDER / file).read_bytes()).hexdigest() == digest

    def test_are_the_ones_that_pages_load(self) -> None:
        listed = {file for _, _, _, file, _ in self.rows()}
        templates = [*ROOT.glob("templates/**/*.html"), *ROOT.glob("partials/**/*.html")]
        loaded = {found for path in templates for found in re.findall(r"vendor/([\w.-]+\.js)", path.read_text(encoding="utf-8"))}
        assert loaded == listed


class TestTests:
    def test_never_leave_this_machine(self) -> None:
        with socket.socket() as way_out, pytest.raises(RuntimeError, match="tried to reach"):
            way_out.connect(("192.0.2.1", 80))

    async def test_see_what_the_cast_has_stored(self, owner: User) -> None:
        """Async tests ask from another thread, so their data has to be committed."""
        assert await User.objects.filter(email=owner.email).aexists()
