"""Formulas are MathML and nothing else; what cannot be read is shown as it is written; none takes long."""

import time
from html import unescape

import pytest
from bs4 import BeautifulSoup

from agentos.core.rendering import formulas, markdown, mathml

ATTACKS = [
    "\\href{javascript:alert(1)}{x}",
    "\\text{<script>alert(1)</script>}",
    "\\text{</mtext></math><img src=x onerror=alert(1)>}",
    "\\text{<style>*{}</style>}",
    "\\text{&lt;img src=x onerror=alert(1)&gt;}",
    "\\style{position:fixed;top:0}{x}",
    "\\class{said}{x}",
    "\\unicode{x3c}script\\unicode{x3e}",
    "\\mspace{-100em} x",
    "\\hspace{-50em}\\text{Approve}",
    "\\rule{99em}{99em}",
    "\\raisebox{40em}{x}",
    "\\color{url(//evil.example)}{x}",
    "\\fcolorbox{red}{blue}{x}",
    "\\verb|<b>x</b>|",
    '\\text{" onclick="alert(1)}',
    "\\begin{array}{c}\\text{<svg onload=alert(1)>}\\end{array}",
]


@pytest.mark.parametrize("latex", ATTACKS)
@pytest.mark.parametrize(("opener", "closer"), [("\\(", "\\)"), ("$$\n", "\n$$")])
def test_no_formula_becomes_more_than_a_formula(latex: str, opener: str, closer: str) -> None:
    soup = BeautifulSoup(markdown.render(f"{opener}{latex} = x^2{closer}"), "html.parser")
    known = mathml.TAGS | {"p", "span", "br", "em", "strong"}
    for tag in soup.find_all(True):
        assert tag.name in known
        for name, value in tag.attrs.items():
            assert name in {*mathml.ATTRIBUTES, "alttext", "class", "tabindex", "role", "aria-label"}
            if name in {"width", "height", "depth", "lspace", "rspace"}:
                assert float(str(value).rstrip("emxpt")) > -1
                assert len(str(value).split(".")[0]) <= 2


@pytest.mark.parametrize(
    "latex",
    [
        "x^{",
        "\\frac{1}",
        "\\left( x",
        "\\notacommand{x}",
        "a & b & c \\over",
        "\\begin{matrix} 1",
        "\\newcommand{\\a}{b}\\a",
        "{" * 300 + "}" * 300,
        "\\sqrt" * 300,
        "x" * 3000,
        "\\",
        "^",
        "\\ce{H2O}",
    ],
)
def test_what_cannot_be_read_is_shown_as_it_is_written(latex: str) -> None:
    html = formulas.draw(latex, "\\(", {})
    assert "<math" not in html
    assert unescape(html).endswith(f">\\({latex}\\)</span>")


@pytest.mark.parametrize(
    "latex",
    [
        "a < b > c \\leq d",
        "P(A \\mid B)",
        "\\mathbb{R}^n \\to \\vec{x}",
        "\\left\\lfloor \\frac{a}{b} \\right\\rfloor",
        "\\text{if } x > 0",
        "\\lim_{x \\to 0} \\frac{\\sin x}{x}",
        "\\sqrt[3]{x}",
        "\\binom{n}{k}",
        "\\hat{y} = \\mathbf{w}^\\top \\mathbf{x}",
        "f'(x)",
        "\\arg\\max_x f(x)",
        "x \\label{eq:1}",
        "\\begin{align*} a &= b \\\\ c &= d \\end{align*}",
        "\\begin{equation} x \\end{equation}",
        "\\begin{gathered} a \\\\ b \\end{gathered}",
        "\\overbrace{a+b}^{c}",
        "\\operatorname{softmax}(z)_i",
        "\\nabla \\cdot \\mathbf{E} = \\frac{\\rho}{\\varepsilon_0}",
        "100\\%",
        "\\begin{vmatrix} a & b \\\\ c & d \\end{vmatrix}",
        "\\begin{array}{c|c} a & b \\\\ \\hline c & d \\end{array}",
        "中 = 文",
        "\\ldots",
        "\\mathcal{L}(\\theta)",
        "\\underset{x}{y}",
        "\\xrightarrow{f}",
        "\\Pr[X = 1]",
        "\\|x\\|_2",
        "\\{a, b\\}",
        "90^\\circ",
        "\\boxed{42}",
    ],
)
def test_common_formulas_are_read(latex: str) -> None:
    assert "<math" in formulas.draw(latex, "\\[", {})


BOMBS = [
    "\\(",
    "\\[",
    "$$",
    "$",
    "$x",
    "$a$ ",
    "\\[a\n",
    "$$a\n",
    "$$\n\\[\n",
    "\\(a\\) ",
    "\\(\\\\)",
    "$$x$$",
    "\n\\[x\n",
    "\\[x\\]\n\n",
    "`$",
    "\\(`",
    "|$x|$",
    "`|",
    "| `",
    "`a|``",
    "<br",
    "[^",
    "[^1] ",
    "[^a]: b\n",
    "```text\n```b\n",
    "**「",
    "- [ ] ",
    "> [!NOTE]\n",
    "3. a\n1. b\n",
    "- ",
    "> ",
]


@pytest.mark.parametrize("piece", BOMBS)
def test_no_text_takes_longer_than_it_is_long(piece: str) -> None:
    """Four times as much takes about four times as long, not sixteen times."""

    def cost(length: int) -> float:
        text = (piece * length)[:length]
        costs = []
        for _ in range(2):
            start = time.thread_time()
            markdown.render(text)
            costs.append(time.thread_time() - start)
        return min(costs)

    assert cost(32_000) < 9 * cost(8_000) + 0.02


def test_a_text_full_of_formulas_shows_some_as_they_are_written() -> None:
    text = "\n\n".join(f"$x_{{{number}}}$" for number in range(4000))
    html = markdown.render(text)
    assert html.count("<math") < 4000
    assert all(f"x_{{{number}}}" in html for number in (0, 1999, 3999))
