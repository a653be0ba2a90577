"""Text for a log without secrets: those that are known, since they are set here, and what looks like one."""

import base64
import os
import re
from collections.abc import Iterator
from urllib.parse import quote

REDACTED = "[redacted]"
WORD = 4  # characters: a shorter secret is only taken out where it stands alone
_NAMES = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)
_PLAIN = frozenset({"none", "null", "true", "false", "0", "1", "key"})  # what people set where nothing is needed

# What stands before a secret is kept.
_NAMED = (
    re.compile(r"((?<!\w)\w++://[^\s:/@]++:)[^\s@/]++(?=@)"),  # a password in a URL
    re.compile(r"([?&](?:key|api_?key|apikey|token|access_token|auth|sig|signature|secret|password)=)[^\s&\"'#]+", re.IGNORECASE),
    re.compile(r"\b((?:bearer|basic)\s+)[^\s\"',;]+", re.IGNORECASE),
    re.compile(
        r"\b((?:proxy-)?authorization|x-api-key|api-key|x-goog-api-key|api[_ ]?key|access[_ ]token|secret|password)"
        r"((?: provided)?[\"']?\s*[:=]\s*[\"']?)(?!bearer\b|basic\b|\[redacted\])[^\s\"',;&}\])]+",
        re.IGNORECASE,
    ),
)
_SHAPES = re.compile(
    r"\b(?:sk|pk|rk|gsk|csk|xai|pplx|nvapi|hf|r8|fw|fc|tgp|ghp|glpat|agentos)[-_][\w*.-]*[\w*]"
    r"|\b(?:AIza|AKIA|ASIA|ya29\.)[\w.-]+"
    r"|(?<![\w-])eyJ[\w-]++\.[\w.-]+"  # a JSON web token
    r"|(?<![A-Za-z0-9+/])(?=[A-Za-z+/]*\d)(?=[\da-z+/]*[A-Z])(?=[\dA-Z+/]*[a-z])[A-Za-z0-9+/]{32,}={0,2}"
)


def redacted(text: str) -> str:
    """Return the text with every secret in it replaced."""
    for secret in sorted(_known(), key=len, reverse=True):
        if secret in text:
            text = _without(text, secret)
    for pattern in _NAMED:
        text = pattern.sub(lambda found: "".join(found.groups()) + REDACTED, text)
    return _SHAPES.sub(REDACTED, text)


def _without(text: str, secret: str) -> str:
    if len(secret) >= WORD:
        return text.replace(secret, REDACTED)
    return re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", REDACTED, text)


def _known() -> Iterator[str]:
    """Give the secrets of the environment, as they are and as they travel."""
    for name, value in os.environ.items():
        secret = value.strip()
        if not secret or secret.lower() in _PLAIN or not _NAMES.search(name) or secret.startswith(("/", "http")):  # where one is kept
            continue
        yield secret
        if len(secret) >= WORD:
            yield quote(secret, safe="")
            for user in ("", ":", "api:", "user:"):
                yield base64.b64encode((user + secret).encode()).decode().rstrip("=")
