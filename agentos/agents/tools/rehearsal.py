"""A web of three pages for trials, without a key and without a network. It says what it is wherever it is shown."""

from urllib.parse import urlsplit

from agentos.conf import app_settings

HOST = "rehearsal.example"  # a name that nobody can own
NOTE = "This is a rehearsal: no search engine is set up here, so these are the same few results for every query."

TEA = """
<p>Green tea wants water of <b>80 degrees</b>, and two minutes. Boiling water makes it bitter.</p>
<table>
<tr><th>Tea</th><th>Water</th><th>Minutes</th></tr>
<tr><td>Green</td><td>80 °C</td><td>2</td></tr>
<tr><td>Oolong</td><td>90 °C</td><td>3</td></tr>
<tr><td>Black</td><td>100 °C</td><td>4</td></tr>
</table>
<p>The <a href="/cups">right cup</a> keeps it warm.</p>
"""

CUPS = """
<p>A thin cup cools quickly and suits green tea. A thick one keeps black tea warm for long.</p>
"""

PRICES = """
<p>A kilogram of green tea, in euros, by year.</p>
<ul><li>2020: 31</li><li>2021: 33</li><li>2022: 38</li><li>2023: 41</li><li>2024: 40</li><li>2025: 44</li></ul>
"""

_PAGES = {
    "/tea": ("How to brew green tea", "Green tea wants water of 80 degrees and two minutes.", TEA),
    "/cups": ("Which cup for which tea", "A thin cup cools, a thick one keeps warm.", CUPS),
    "/prices": ("What tea costs", "Prices of a kilogram of tea over six years.", PRICES),
}


def is_offered(url: str) -> bool:
    """Whether this address is one of these, and they are there."""
    return app_settings.SCRIPTED_MODELS and urlsplit(url).hostname == HOST


def results(_query: str) -> list[tuple[str, str, str]]:
    """Return the results, each with a title, an address and a snippet."""
    return [(f"{title} (rehearsal)", f"https://{HOST}{path}", snippet) for path, (title, snippet, _) in _PAGES.items()]


def page(path: str) -> bytes | None:
    """Return the page of this path as HTML, None where there is none."""
    if path not in _PAGES:
        return None
    title, _, body = _PAGES[path]
    note = "<p>This page is a rehearsal: it is part of AgentOS, and came from no network.</p>"
    return f"<html><head><title>{title}</title></head><body><article><h1>{title}</h1>{note}{body}</article></body></html>".encode()
