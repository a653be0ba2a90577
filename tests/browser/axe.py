"""axe-core, asked in a page: every rule of WCAG 2.2 A and AA, and what it calls best practice."""

from importlib.resources import files
from typing import Any

from playwright.sync_api import Page

SOURCE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
OFF_BY_ITSELF = ("label-content-name-mismatch", "target-size")  # experimental, or new: axe leaves them out unless it is told
OF_COLOURS = ["color-contrast", "link-in-text-block"]
ASK = """
async (options) => {
  if (document.querySelector(".settings")) document.scrollingElement.scrollTop = 0; // what its bar covers by chance is no fault
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame); // colours that change, change by then
  const { violations } = await axe.run(document, options);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, html, any, all, none }) => {
      const [reason] = [...any, ...all, ...none];
      return [id, target.join(" "), html.slice(0, 120), reason?.message].join(": ");
    })
  );
}
"""
EVERYTHING: dict[str, Any] = {
    "resultTypes": ["violations"],
    "runOnly": {"type": "tag", "values": TAGS},
    "rules": {rule: {"enabled": True} for rule in OFF_BY_ITSELF},
}
SEVEN_TO_ONE: dict[str, Any] = {"resultTypes": ["violations"], "runOnly": {"type": "rule", "values": ["color-contrast-enhanced"]}}
COLOURS: dict[str, Any] = {"resultTypes": ["violations"], "runOnly": {"type": "rule", "values": OF_COLOURS}}


def complaints(page: Page, options: dict[str, Any] = EVERYTHING) -> list[str]:
    """Return what axe complains of in the page as it stands; ``COLOURS``: only what another theme could have changed."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(SOURCE)  # by the debugger, which the page's CSP does not bind
    found: list[str] = page.evaluate(ASK, options)
    return found
