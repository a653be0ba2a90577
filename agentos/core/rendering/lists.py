"""Lists as they are written: ``3. 2. 1.`` counts down, and the box of a task has a name."""

from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict


def number(state: StateCore) -> None:
    """Give an item its own number where counting on would give another. A list whose items all have the same number only counts."""
    lists: list[list[Token]] = []
    for token in state.tokens:
        if token.type in {"ordered_list_open", "bullet_list_open"}:
            lists.append([])
        elif token.type == "list_item_open" and lists:
            lists[-1].append(token)
        elif token.type in {"ordered_list_close", "bullet_list_close"} and lists:
            _number(lists.pop())


def _number(items: list[Token]) -> None:
    numbers = [int(item.info) for item in items if item.info]
    if len(set(numbers)) <= 1:
        return
    for item, before, here in zip(items[1:], numbers, numbers[1:], strict=False):
        if here != before + 1:
            item.attrSet("value", str(here))


def put_boxes(state: StateCore) -> None:
    """Put the box of a task before its words, into their paragraph, or before whatever else there is."""
    for place in range(len(state.tokens) - 2, -1, -1):
        token = state.tokens[place]
        if token.type == "list_item_open" and "checked" in token.meta:
            box = Token("task_box", "input", 0, meta={"checked": token.meta.pop("checked")})
            is_paragraph = state.tokens[place + 1].type == "paragraph_open"
            words = state.tokens[place + 2].children if is_paragraph else None
            if words is None:
                state.tokens.insert(place + 1, box)
            else:
                words.insert(0, box)


def _draw_box(self: RendererProtocol, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
    """Nobody can click it: it says what the model said."""
    name, checked = ("Done", ' checked=""') if tokens[idx].meta["checked"] else ("To do", "")
    return f'<input type="checkbox" disabled=""{checked} aria-label="{name}"> '


def install(markdown: MarkdownIt) -> None:
    markdown.options["tasklists"] = True
    markdown.core.ruler.after("block", "numbers", number)
    markdown.core.ruler.after("inline", "task_boxes", put_boxes)
    markdown.add_render_rule("task_box", _draw_box)
