"""Texts that are hard to read: each stands for a kind whose work could grow faster than its length. Add to them freely."""

SIZE = 30_000  # characters


def _filled(seed: str, size: int = SIZE) -> str:
    return (seed * (size // len(seed) + 1))[:size]


REPEATED = [
    "[", "]", "(", "{", "<", ">", "> ", "> - ", "`", "*", "_", "~", "~~", "|", ":", "@", "#", "&", "\\", "\n", "\t", " ", "a", "é",
    "中", "![", "[a](", "![a](b", "[a](b ", "[a](<", "](", "[[](", "[a](b 'c", "[a]: b\n", "[a]: <", "[^1]", "[^1]: a\n", "[a][b]",
    "[x] ", "http://[", "http://", "http://a.b/", "http://a.b/(", "http://a.b/[", "http://a(", "http://a)", "https://a@", "//a.b/",
    "<http://", "<a ", "www.", "www.a.b(", "a@", "a@b.", "@a.", "mailto:", "://", "a://", "<http://a.b> ", "http://a.b。", "*a ",
    "**a ", "*a **b ", "**a", "a**b", "_a*b", "*a _b ", "***a ", "~~a ", "~ ~~ ", "a_", "中**", "**：", "&amp;", "&#1", "&a", "&#x0;",
    "- a\n", "1. a\n", "- - ", "-\n", "*\n ", "- [ ] a\n", "- a\n\n", "# a\n", "a\n---\n", "---\n", "a  \n", "a\\\n", "a\n",
    "    a\n\n", "```\n", "~~~a\n", "```python\nx\n```\n", "`a", "``a`", "|a", "|a\n", "|\n", "| a |\n|---|\n", "<br>", "<div>\n",
    "<!--", "<?", "<a>", "$", "$a$ ", "$$\n", "\\(", "\\[", "\\(a\\) ", "\\begin{a}", "> [!NOTE]\n", "{.a}", "\u202e", "\u200b",
    "<think>", "www.a.b/(", "a. *b*. ", "**a**。", "ก)", "*a*… ", ". ", ".)",
]  # fmt: skip

BOMBS: dict[str, str] = {seed: _filled(seed) for seed in REPEATED} | {
    "runs of backticks": "".join("`" * count + "a" for count in range(1, 240)),
    "runs of asterisks": "".join("*" * count + "a" for count in range(1, 240)),
    "a wide table": "|a" * 5_000 + "|\n" + "|-" * 5_000 + "|\n" + "|b" * 5_000 + "|\n",
    "a wide table of many rows": "|a" * 300 + "|\n" + "|-" * 300 + "|\n" + "|\n" * 9_000,
    "a deep list": "".join("  " * depth + "- a\n" for depth in range(170)),
    "a deep list of numbers": "".join("   " * depth + "1. a\n" for depth in range(140)),
    "a deep quotation": "".join("> " * depth + "a\n" for depth in range(170)),
    "deep emphasis": "*a **b " * 2_000 + "c** d* " * 2_000,
    "deep images": "![" * 3_000 + "a" + "](b)" * 3_000,
    "deep links": "[" * 3_000 + "a" + "](b)" * 3_000,
    "deep brackets in an address": "[a](" + "(" * 15_000 + ")" * 15_000 + ")",
    "references": "".join(f"[a{number}]: b\n" for number in range(2_000)) + "[a1][a2]" * 1_000,
    "one reference, often": "[a]: http://example.com/" + "b" * 200 + "\n\n" + "[a] " * 5_000,
    "a long word": "a" * 200_000,
    "many items": "- item\n" * 10_000,
    "many paragraphs": "*a*\n\n" * 15_000,
    "a long address": "http://example.com/" + "a" * 90_000,
    "a long address in brackets": "[a](http://example.com/" + "é" * 20_000 + ")",
    "an image without an address": "![a](http://[)",
    "words, then addresses": "hello " + "x " * 500 + "http://[" * 3_500,
    "empty lines of a language": "```autohotkey\n" + "\n" * 2_000 + "```",
    "empty lines of Java": "```java\n" + "\n" * 4_000 + "```",
    "blanks of C": "```c\n" + "a  " * 1_300 + "\n```",
    "much code": ("```c\n" + "a  " * 900 + "\n```\n\n") * 12,
    "brackets of a template": "```html+ng2\n" + "(" * 4_000 + "\n```",
    "code in markdown": "````markdown\n```autohotkey\n" + "\n" * 3_000 + "````",
    "a language of a long name": "```" + "a" * 30_000 + "\nx\n```",
}
