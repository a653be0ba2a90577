"""Texts as models write them, and what a reader expects of each: selectors, with the words of what they find, in order.

``FORMULAS`` stands for any of MathML's elements; its words are the formula as it was written.
"""

from typing import NamedTuple

Found = dict[str, list[str]]


class Answer(NamedTuple):
    name: str
    text: str
    found: Found
    words: str = ""  # all words of the page, where they matter


BACK = "Back to the text, footnote 1"
DEEP = [f"{'  ' * level}- level {level}" for level in range(13)]
DEEPER = [f"{'  ' * level}- level {level}" for level in range(80)]

ANSWERS = [
    Answer("deep list", "\n".join(DEEP), {"li li li li li li li li li li li li li": ["level 12"]}),
    Answer("deeper list", "\n".join(DEEPER), {}, " ".join(f"{'- ' if level >= 30 else ''}level {level}" for level in range(80))),
    Answer("deep numbered list", "\n".join(f"{'   ' * level}1. n{level}" for level in range(20)), {}, " ".join(f"n{i}" for i in range(20))),
    Answer("deep quote", ">" * 90 + " the bottom", {}, ">" * 30 + " the bottom"),
    Answer("list in quotes", "> " * 25 + "- a\n" + "> " * 25 + "  - b", {}, "a b"),
    Answer("bold before a full-width mark", "**重要：**请注意。", {"strong": ["重要："]}, "重要：请注意。"),
    Answer("bold with quotes", "**「甲」**なので**「乙」**", {"strong": ["「甲」", "「乙」"]}, "「甲」なので「乙」"),
    Answer("bold with brackets", "这是**（注意）**的意思", {"strong": ["（注意）"]}, "这是（注意）的意思"),
    Answer("bold with curly quotes", "他说**“你好”**然后走了", {"strong": ["“你好”"]}, "他说“你好”然后走了"),
    Answer("bold in Korean", "**스크립트(script)**라고 한다", {"strong": ["스크립트(script)"]}, "스크립트(script)라고 한다"),
    Answer("bold in Thai", "**หมายเหตุ:**ข้อความ", {"strong": ["หมายเหตุ:"]}, "หมายเหตุ:ข้อความ"),
    Answer("italic in Chinese", "*《红楼梦》*是小说", {"em": ["《红楼梦》"]}, "《红楼梦》是小说"),
    Answer("struck in Chinese", "~~（旧）~~新", {"s": ["（旧）"]}, "（旧）新"),
    Answer("code in bold in Japanese", "**`print()`**を使う", {"strong > code": ["print()"]}, "print()を使う"),
    Answer("Latin emphasis", "a*b*c **d** snake_case_name 2 * 3 * 4", {"em": ["b"], "strong": ["d"]}, "abc d snake_case_name 2 * 3 * 4"),
    Answer(
        "LaTeX in brackets",
        "\\(a^2+b^2\\) and\n\n\\[\n\\int_0^1 x_i^2 \\, dx = \\frac{1}{3}\n\\]",
        {"math": ["a^2+b^2", "\\int_0^1 x_i^2 \\, dx = \\frac{1}{3}"], "math[display=block] mfrac": ["13"]},
    ),
    Answer("matrix", "$$\n\\begin{bmatrix} 1 & 2 \\\\ 3 & 4 \\end{bmatrix}\n$$", {"math mtr": ["12", "34"]}),
    Answer(
        "lines that look like others",
        "So:\n\\[\na\n= b\n- c\n+ d\n\\]\nThen",
        {"math": ["a\n= b\n- c\n+ d"], "p": ["So:", "a=b−c+d", "Then"]},
    ),
    Answer("aligned", "$$\\begin{aligned} a &= b \\\\ &= c \\end{aligned}$$", {"math mtr": ["a=b", "=c"]}),
    Answer("rows without a table", "\\[ a = b \\\\ c = d \\]", {"math mtr": ["a=b", "c=d"]}),
    Answer(
        "formula in a list",
        "1. Area:\n   \\[\n   A = \\pi r^2\n   \\]\n2. Next",
        {"li math": ["A = \\pi r^2"], "li": ["Area:A=πr2", "Next"]},
    ),
    Answer("formula in a quote", "> \\[\n> x = 1\n> \\]", {"blockquote math": ["x = 1"]}),
    Answer("formula in a table", "| a |\n|---|\n| $|x|$ |", {"td math": ["|x|"]}),
    Answer("formula in Chinese", "其中$x$是变量，$y=x^2$。", {"math": ["x", "y=x^2"]}),
    Answer("formula in bold", "**Area: $A=\\pi r^2$**", {"strong math": ["A=\\pi r^2"]}),
    Answer("emphasis signs in a formula", "$a_1*b_2$ and $c_1*d_2$", {"math": ["a_1*b_2", "c_1*d_2"], "em": []}),
    Answer("double dollars in a line", "Since $$E=mc^2$$ holds.", {"math[display=block]": ["E=mc^2"]}),
    Answer("the nth", "the $n$th of $(x, y)$, $5$ and $x$-axis", {"math": ["n", "(x, y)", "5", "x"]}),
    Answer("sum in a block", "\\[\\sum_{i=1}^{n} i\\]", {"math munderover": ["∑i=1n"]}),
    Answer(
        "unreadable formula",
        "\\(\\notacommand{x}\\) and $$\\frac{1}$$",
        {"math": [], ".latex": ["\\(\\notacommand{x}\\)", "$$\\frac{1}$$"]},
    ),
    Answer("macros", "$$\\def\\a{\\a\\a}\\a$$", {"math": [], ".latex": ["$$\\def\\a{\\a\\a}\\a$$"]}),
    Answer("formula with blank lines", "$$\na = 1\n\n- b\n$$\nafter", {"math[display=block]": ["a = 1\n\n- b"], "p": ["a=1−b", "after"]}),
    Answer(
        "aligned with a blank line in a quote",
        "> \\[ \\begin{aligned}\n> a &= 1 \\\\\n>\n> b &= 2\n> \\end{aligned} \\]",
        {"blockquote mtr": ["a=1", "b=2"]},
    ),
    Answer("words between dollars", "$$\nThe price is high.\n\nThe other is $$ too\n", {"math": []}),
    Answer("open formula before another", "\\[\na\n\n\\[\nb\n\\]", {"math": ["b"]}),
    Answer(
        "environment",
        "So\n\\begin{align}\na &= b \\\\\n\nc &= d\n\\end{align}\nthen",
        {"mtr": ["a=b", "c=d"], "p": ["So", "a=bc=d", "then"]},
    ),
    Answer("environment in a sentence", "So \\begin{cases} 1 & x \\\\ 2 & y \\end{cases} holds", {"p mtr": ["1x", "2y"]}),
    Answer("equation", "\\begin{equation}\n\\label{eq}E = mc^2\n\\end{equation}", {"math[display=block] msup": ["c2"], "mtr": []}),
    Answer("alignat", "$$\\begin{alignat}{2} a &= b \\\\ c &= d \\end{alignat}$$", {"mtr": ["a=b", "c=d"]}),
    Answer("words about environments", "Put it between \\begin{align} and \\end{align}.", {"math": []}),
    Answer("no formula's environment", "\\begin{tabular}{l} a & b \\end{tabular}", {"math": []}),
    Answer("letters between double dollars", "$$x$$ and $$y$$.", {"math[display=block]": ["x", "y"]}),
    Answer("formula with blanks", "So $ a^2 + b^2 $ is.", {"math": ["a^2 + b^2"]}),
    Answer("percent in a formula", "\\(50\\%\\) and $5\\%$", {"math": ["50\\%", "5\\%"]}),
    Answer("open formula", "\\[\nx = 1\n\nAnd more.", {"math": [], "p": ["[ x = 1", "And more."]}),
    Answer("formula in code", "`$x^2$` and `\\(a\\)`\n\n```\n$$x$$\n```", {"math": [], "p code": ["$x^2$", "\\(a\\)"], "pre": ["$$x$$"]}),
    Answer(
        "brackets that were escaped",
        "\\[Note\\] and \\[a link\\](x) and \\(so to say\\)",
        {"math": []},
        "[Note] and [a link](x) and (so to say)",
    ),
    *(
        Answer(f"money {number}", text, {"math": []}, text.replace("**", "").replace("\\$", "$"))
        for number, text in enumerate(
            [
                "It costs $5 and **$10.50**, from $2bn to $4bn.",
                "$5-$10, $5–$10, US$5 and A$6",
                "$1,000 (or $1,200)",
                "5$ and 10$, then 5$, or 6$",
                "$20/month vs $30/month",
                "rated $$ to $$$",
                "set $HOME and $PATH, $HOME:$PATH",
                "$AAPL/$TSLA and $AAPL, $TSLA",
                "\\$5 and \\$6",
                "between $5, say, and 6$ each",
                "$5 = about 4 euros, so 3$ more",
                "see items/$id$ and US$x$",
                "from $$ to $$, $$/$$ or $$5 to $$6",
                "$ 5 and $ 6, $ 10_000 or $ 12_000 a year",
            ]
        )
    ),
    Answer("break in a table", "| a |\n|---|\n| x<br>y<BR/>z |", {"td br": ["", ""]}, "a x y z"),
    Answer(
        "tasks",
        "- [ ] todo\n- [x] done\n1. [ ] numbered",
        {"input[type=checkbox][disabled]": ["", "", ""], "input[checked][aria-label=Done]": [""], "ol > li": ["numbered"]},
    ),
    Answer("tasks set apart", "- [ ] a\n\n- [x] b", {"li > p > input": ["", ""], "p": ["a", "b"]}),
    Answer("task that is no sentence", "- [x] > quote\n- [ ] ```\n  code\n  ```", {"li > input": ["", ""]}, "quote code"),
    Answer("nested tasks", "* [X] a\n  - [ ] b", {"li li input:not([checked])": [""]}, "a b"),
    Answer(
        "pipe in code in a table",
        "| op | says |\n|---|---|\n| `x || y` | or |\n| ``a | `b`` | c |",
        {"td": ["x || y", "or", "a | `b", "c"]},
    ),
    Answer("pipe escaped in code in a table", "| op |\n|---|\n| `a \\| b` |", {"td": ["a | b"]}),
    Answer("pipes in code outside", "So `a || b` | `c | d`\n\n    `e | f`", {"p code": ["a || b", "c | d"], "pre": ["`e | f`"]}),
    Answer(
        "countdown",
        "3. three\n2. two\n1. lift off",
        {"ol[start='3'] > li:first-child": ["three"], "li[value='2']": ["two"], "li[value='1']": ["lift off"]},
    ),
    Answer("numbers with gaps", "1. a\n3. b\n4. c", {"li[value='3']": ["b"], "li[value]": ["b"]}),
    Answer("the same number", "1. a\n1. b\n1. c", {"li[value]": [], "li": ["a", "b", "c"]}),
    Answer("address", "12 Sample Street\nBack entrance\nTown 12345", {"p br": ["", ""]}, "12 Sample Street Back entrance Town 12345"),
    Answer("poem in a quote", "> one\n> two", {"blockquote br": [""]}),
    Answer(
        "fence in a fence",
        "```markdown\n# Title\n\n```bash\npip install thing\n```\n\nDone.\n```\n\nAfter.",
        {
            ".code[data-language=markdown]": ["# Title ```bash pip install thing ``` Done."],
            ".code": ["# Title ```bash pip install thing ``` Done."],
            "p": ["After."],
        },
    ),
    Answer(
        "fences in a fence", "~~~md\n~~~py\na\n~~~\n~~~js\nb\n~~~\n~~~\nAfter.", {".code": ["~~~py a ~~~ ~~~js b ~~~"], "p": ["After."]}
    ),
    Answer(
        "fence in a list in a fence",
        "```md\n- a\n    ```py\n    x\n    ```\n- b\n```\nAfter.",
        {".code": ["- a ```py x ``` - b"], "p": ["After."]},
    ),
    Answer("longer fence", "````md\n```\na\n```\n````\nAfter.", {".code": ["``` a ```"], "p": ["After."]}),
    Answer(
        "inner fence that is not closed", "```markdown\n# T\n```bash\npip\n```\n\nAfter.", {".code": ["# T ```bash pip"], "p": ["After."]}
    ),
    Answer("code is no holder", "```python\na = '''\n```bash\n```\nAfter.", {".code": ["a = ''' ```bash"], "p": ["After."]}),
    Answer(
        "footnote",
        "Claim[^1], again[^1] and[^b].\n\n[^1]: The source.\n[^b]: Other.\n\nEnd.",
        {
            "sup a[href='#t-note-1']": ["1", "1"],
            "li#t-note-1": [f"The source. {BACK} {BACK}, place 2"],
            "a#t-note-use-1": ["1"],
            "li a[href='#t-note-use-1-2']": [f"{BACK}, place 2"],
            "p": ["Claim1, again1 and2.", "End.", f"The source. {BACK} {BACK}, place 2", "Other. Back to the text, footnote 2"],
        },
    ),
    Answer("footnote without a use", "Text.\n\n[^x]: Lost?", {".footnotes li": ["Lost?"], ".footnotes a": []}),
    Answer("use without a footnote", "Text[^x] and [^a-z].", {"sup": []}, "Text[^x] and [^a-z]."),
    *(
        Answer(
            f"callout {kind}",
            f"> [!{kind}]\n> Mind **this**.\n>\n> - a",
            {f".callout.{kind.lower()}[role=note] > .callout-title": [kind.capitalize()]},
        )
        for kind in ("NOTE", "TIP", "IMPORTANT", "WARNING", "CAUTION")
    ),
    Answer(
        "callout with a title",
        "> [!warning] Very *hot*\n> Mind.",
        {".callout.warning > .callout-title": ["Very hot"], ".callout em": ["hot"], ".callout > p": ["Very hot", "Mind."]},
    ),
    Answer("callout that is only a title", "> [!NOTE] So it is", {".callout.note": ["So it is"], ".callout > p": ["So it is"]}),
    Answer(
        "callout of Obsidian",
        "> [!info]- More\n> - a\n> > [!BUG]\n> > b",
        {".callout.note > .callout-title": ["More"], ".callout .callout.caution": ["Bug b"], "li": ["a"]},
    ),
    Answer(
        "cells that are too many",
        "> | a | b |\n> |---|---|\n> | 1 | 2 | `3|4` | *5* |\n> 6 | 7 | 8\n> | 9 | 10 | |",
        {"td": ["1", "2 | 3|4 | 5", "6", "7 | 8", "9", "10"], "td em": ["5"]},
    ),
    Answer("fence of a file", "```README.md\n# T\n```bash\nx\n```\nend\n```\nAfter", {".code": ["# T ```bash x ``` end"], "p": ["After"]}),
    Answer(
        "fences that say more",
        "```python:main.py\nx = 1\n```\n```{r}\nx\n```\n```js{1,3} a\ny\n```",
        {".code[data-language=python] span": ["x", "=", "1"], ".code[data-language=r]": ["x"], ".code[data-language=javascript]": ["y"]},
    ),
    Answer("link to www", "[a](www.example.com/x)", {"a[href='http://www.example.com/x']": ["a"]}),
    Answer("no callout", "> [!OTHER]\n> x", {"blockquote": ["[!OTHER] x"], ".callout": []}),
    Answer(
        "all sorts",
        "1. Do **this**\n2. Run `x`\n\n| A | B |\n|---|---|\n| 1 | 2 |\n\n[link](https://example.com/x)",
        {"li strong": ["this"], "td": ["1", "2"], "a[href='https://example.com/x']": ["link"]},
    ),
]
