"""Text out of what strangers give. It is read in a process of its own, with little memory and time: what is made to hang or to swell
does that there, and ends."""

from agentos.core.reading.documents import REASONS, File, Heading, Page, UnreadableFile, file
from agentos.core.reading.pages import Document, Unreadable, html, plain

__all__ = ["REASONS", "Document", "File", "Heading", "Page", "Unreadable", "UnreadableFile", "file", "html", "plain"]
