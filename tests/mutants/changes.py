"""The small faults that can be put into a module: each is a piece of its text that is replaced."""

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass

TURNED = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
MOVED = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
NARROWING = {
    "filter",
    "exclude",
    "strip",
    "lstrip",
    "rstrip",
    "lower",
    "casefold",
}  # calls that give back what they were called on, or less
SAYING = {"logger", "log", "warnings", "logging"}  # what is written to the log decides nothing


@dataclass(frozen=True)
class Mutant:
    """A module with one fault. ``start`` and ``end`` are offsets in bytes, ``first`` and ``last`` the lines of the statement's head."""

    path: str
    kind: str
    start: int
    end: int
    text: str
    first: int
    last: int
    inside: str  # the innermost function around it, or the name that a module's statement assigns

    def apply(self, source: bytes) -> bytes:
        return source[: self.start] + self.text.encode() + source[self.end :]

    def line(self, source: bytes) -> int:
        return source.count(b"\n", 0, self.start) + 1

    def lines(self, source: bytes) -> tuple[str, str]:
        """The line where the fault begins, before and after."""
        number = self.line(source) - 1
        return source.decode().splitlines()[number].strip(), self.apply(source).decode().splitlines()[number].strip()

    def diff(self, source: bytes) -> str:
        before, after = source.decode().splitlines(), self.apply(source).decode().splitlines()
        return "\n".join(difflib.unified_diff(before, after, self.path, self.kind, lineterm="", n=2))


def mutants(path: str, source: bytes) -> list[Mutant]:
    """All faults of a module, in the order of its text."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = []
    for node, kind, text, head, inside in _walk(ast.parse(source), path):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        if text.encode() != source[start:end]:  # `while True` is that already
            found.append(Mutant(path, kind, start, end, text, head.lineno, max(node.end_lineno or 0, head.lineno), inside))
    return sorted(found, key=lambda mutant: (mutant.start, mutant.kind, mutant.text))


Change = tuple[ast.expr | ast.stmt, str, str]


def _walk(module: ast.Module, path: str) -> Iterator[tuple[ast.expr | ast.stmt, str, str, ast.stmt, str]]:
    """Yield each changed node with its kind, its new text, the statement whose head it is in, and the name around it."""
    todo: list[tuple[ast.AST, ast.stmt | None, str]] = [(module, None, "")]
    while todo:
        node, head, inside = todo.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.stmt):
            head = node
        if not inside and _is_named_number(node):
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inside = f"def {node.name}"
        elif isinstance(node, ast.Assign) and not inside and isinstance(node.targets[0], ast.Name):
            inside = node.targets[0].id
        if head is not None:
            for changed, kind, text in _changes(node):
                yield changed, kind, text, head, inside
        todo += [(child, head, inside) for child in _children(node) if not _is_declared(path, node, child)]


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """What is below a node, without annotations and assertions, which are for type checkers, and without f-strings, of whose inside
    Python 3.11 does not know the place."""
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not isinstance(child, ast.JoinedStr | ast.Assert):
                yield child


def _is_named_number(node: ast.AST) -> bool:
    """``LIMIT = 50``: a choice with a name, which tests use as well. No rule breaks with another one."""
    match node:
        case ast.Assign([ast.Name(name)], ast.Constant(int() | float())):
            return name.isupper()
    return False


def _is_declared(path: str, around: ast.AST, node: ast.AST) -> bool:
    """Whether it is a field or the Meta of a model: `makemigrations --check` holds those."""
    return path.endswith("models.py") and isinstance(around, ast.ClassDef) and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def _changes(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.Compare(left, [op], [right]):
            for kind, table in (("comparison turned", TURNED), ("bound moved", MOVED)):
                if other := table.get(type(op)):
                    yield node, kind, _text(ast.Compare(left, [other()], [right]))
        case ast.BoolOp(op, values):
            other_op = ast.Or() if isinstance(op, ast.And) else ast.And()
            yield node, "and, or swapped", _text(ast.BoolOp(other_op, values))
        case ast.UnaryOp(ast.Not(), operand):
            yield node, "not dropped", _text(operand)
        case ast.Expr(ast.Call() | ast.Await(ast.Call())) if not _only_says(node):
            yield node, "call dropped", "pass"
        case ast.Call(ast.Attribute(value, attr)) if attr in NARROWING:
            yield node, "call dropped", _text(value)
        case ast.Constant(value) if type(value) is int:
            yield node, "number off by one", str(value + 1)
        case ast.Return(ast.Constant(bool(value))):
            yield node, "answer turned", f"return {not value}"
        case ast.Return(value) if value is not None and not (isinstance(value, ast.Constant) and value.value is None):
            yield node, "None returned", "return None"
        case ast.Break():
            yield node, "break for continue", "continue"
        case ast.Continue():
            yield node, "continue for break", "break"
    yield from _conditions(node)


def _conditions(node: ast.AST) -> Iterator[Change]:
    tests = [node.test] if isinstance(node, ast.If | ast.While | ast.IfExp) else node.ifs if isinstance(node, ast.comprehension) else []
    for test in tests:
        names = any(isinstance(part, ast.NamedExpr) for part in ast.walk(test))
        text = ast.unparse(test)
        yield test, "condition made true", f"({text} or True)" if names else "True"
        yield test, "condition made false", f"({text} and False)" if names else "False"


def _only_says(node: ast.Expr) -> bool:
    called = node.value.func if isinstance(node.value, ast.Call) else None
    while isinstance(called, ast.Attribute):
        called = called.value
    return isinstance(called, ast.Name) and called.id in SAYING


def _text(node: ast.expr) -> str:
    return f"({ast.unparse(node)})"
