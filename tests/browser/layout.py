"""What of a page cannot be reached where it stands: asked in small windows and with large letters."""

from playwright.sync_api import Page, ViewportSize

# How large a page of 1280 x 800 is to who reads it at 200 %, and one of 1280 x 1024 at 400 %.
AT_200_PERCENT: ViewportSize = {"width": 640, "height": 400}
AT_400_PERCENT: ViewportSize = {"width": 320, "height": 256}
LARGE_LETTERS = "--blink-settings=defaultFontSize=32"  # twice as large, in a window of the same size
WIDTH = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
LOOK = """
async () => {
  for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame); // whatever follows the size has followed
  const found = [];
  const CONTROLS = "a[href], button, input:not([type=hidden]), select, textarea, summary";
  const say = (element, what) => found.push(`${what}: ${element.outerHTML.replace(/\\s+/g, " ").slice(0, 140)}`);
  const isDrawn = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length;
  const isSeen = (element) => isDrawn(element) && !element.closest("[inert]");
  const scrolls = (element, axis) => ["auto", "scroll"].includes(getComputedStyle(element)[`overflow${axis}`]);
  const inScrolling = (element) => {
    for (let at = element.parentElement; at; at = at.parentElement) if (scrolls(at, "X") && at.scrollWidth > at.clientWidth) return true;
    return false;
  };
  const screen = document.documentElement.clientWidth;
  const modal = document.querySelector("dialog[open], :popover-open, .sidebar.open, .picker[open]");
  const was = scrollY;
  for (const control of (modal ?? document).querySelectorAll(CONTROLS)) {
    if (!isSeen(control) || control.matches(":disabled") || control.closest(".sr-only, .skip")) continue;
    document.activeElement?.blur();
    control.focus(); // as by Tab: the browser brings it into sight
    const box = [...control.getClientRects()].find((part) => part.width > 1 && part.height > 1);
    if (!box) continue;
    if ((box.left < -1 || box.right > screen + 1) && !inScrolling(control)) say(control, `from ${box.left} to ${box.right} of ${screen}`);
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    const over = document.elementFromPoint(x, y);
    const label = control.labels?.[0];
    if (!over || !(control.contains(over) || over.contains(control) || label?.contains(over)))
      say(control, over ? `under ${over.outerHTML.replace(/\\s+/g, " ").slice(0, 90)}` : `outside, at ${Math.round(x)}, ${Math.round(y)}`);
  }
  for (const element of document.querySelectorAll("body *")) {
    if (!isSeen(element) || element.closest(".sr-only, svg, math, textarea, select, .htmx-indicator")) continue;
    const style = getComputedStyle(element);
    const [isCutOff, isCutBelow] = [style.textOverflow !== "ellipsis", style.webkitLineClamp === "none"]; // without a sign that it is
    if (style.overflowX === "hidden" && isCutOff && element.clientWidth && element.scrollWidth > element.clientWidth + 2)
      say(element, `cut at ${element.clientWidth} of ${element.scrollWidth} px`);
    if (style.overflowY === "hidden" && isCutBelow && element.clientHeight && element.scrollHeight > element.clientHeight + 3)
      say(element, `cut at a height of ${element.clientHeight} of ${element.scrollHeight} px`);
  }
  scrollTo({ top: was, behavior: "instant" });
  return found;
}
"""

STOP = """
() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const stays = at.closest(".bar, .composer, .sidebar, .notices, .skip, .api-nav, dialog, #jump"); // however far one has scrolled
  const { top, bottom, right, left } = at.getBoundingClientRect();
  const html = at.outerHTML.replace(/\\s+/g, " ").slice(0, 120);
  return { html, stays: Boolean(stays), top: top + scrollY, bottom: bottom + scrollY, left, right };
}
"""
STOPS = 1000


def problems(page: Page) -> list[str]:
    """Return what is wider than the screen, cut, outside of it or under something else."""
    found: list[str] = page.evaluate(LOOK)
    return found + too_wide(page)


def too_wide(page: Page) -> list[str]:
    width, screen = page.evaluate(WIDTH)
    return [f"The page is {width} px wide, of {screen}."] if width > screen else []


def tab_through(page: Page) -> list[str]:
    """Press Tab until the focus has left the page, and return where it went up instead of on, or that it never left."""
    found: list[str] = []
    first, before = page.evaluate(STOP), None
    for _ in range(STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop is None or (first and stop["html"] == first["html"]):  # out, or out and in again at the top already
            return found
        if before and not before["stays"] and not stop["stays"] and stop["bottom"] < before["top"] and stop["left"] < before["right"]:
            found.append(f"from {before['html']} up to {stop['html']}")
        before = stop
    return [*found, f"Tab does not lead out: {before}"]
