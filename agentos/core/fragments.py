"""Fragments with an address: what a live stream sends and htmx puts in its place."""


def fragment(html: str, target: str, swap: str) -> str:
    """Return ``html``, already safe, for the element that the selector ``target`` finds."""
    return f'<hx-partial hx-target="{target}" hx-swap="{swap}">{html}</hx-partial>'
