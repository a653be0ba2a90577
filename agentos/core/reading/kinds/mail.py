"""A mail (eml): who wrote to whom and when, what it says, and the names of what came with it."""

import email
from email import policy
from email.message import EmailMessage

from . import markup
from .common import Found, Refused, in_parts

SHOWN = ("From", "To", "Cc", "Date", "Subject")


def read(data: bytes, kind: str) -> Found:
    message = email.message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    body = message.get_body(("plain", "html"))
    if body is None and not message.get("From"):
        raise Refused("unreadable")
    head = "\n".join(f"{name}: {' '.join(str(message[name]).split())}" for name in SHOWN if message[name])
    named = ", ".join(filter(None, (each.get_filename() for each in message.iter_attachments())))
    said = str(body.get_content()) if body is not None else ""
    if body is not None and body.get_content_type() == "text/html":
        tree = markup.tree_of(said)
        paragraphs = list(markup.blocks(tree)) if tree is not None else []
    else:
        paragraphs = said.replace("\r\n", "\n").split("\n\n")
    title = " ".join(str(message["Subject"] or "").split())
    return in_parts(Found(kind, "part", title), [head, *paragraphs, *([f"Attachments: {named}"] if named else [])])
