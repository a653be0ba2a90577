"""Text as people and programs send it, made fit to be stored."""


def clean(text: str) -> str:
    """Return ``text`` with one kind of line end, and without what no database stores: NUL and lone surrogates."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    return plain.encode("utf-8", "replace").decode("utf-8")


def shorten(text: str, limit: int) -> str:
    """Return the first line of ``text``, cut at a word so that it has at most ``limit`` characters."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    if len(line) <= limit:
        return line
    cut = line[: limit - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut[limit // 2 :] else cut).rstrip(" ,.;:") + "…"
