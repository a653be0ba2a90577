"""What a project takes over into its settings to have AgentOS in it (docs/in-your-project.md). Our own project does so, too."""

from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).resolve().parent.parent
_CHECKOUT = _PACKAGE.parent if (_PACKAGE.parent / "manage.py").exists() and (_PACKAGE.parent / "partials").is_dir() else None

APPS = (
    "django_htmx",
    "template_partials",
    "ninja",
    "agentos.core",
    "agentos.audit",
    "agentos.access",
    "agentos.files",
    "agentos.connections",
    "agentos.skills",
    "agentos.knowledge",
    "agentos.agents",
    "agentos.memories",
    "agentos.chat",
    "agentos.dashboard",
    "agentos.api",
    "agentos.gateway",
    "agentos.billing",
    "agentos.webhooks.inbound",
    "agentos.webhooks.outbound",
    "agentos.operations",
)

# In this order, and before whatever knows sessions and sign-ins: their answers are to have safety headers and our errors, too.
MIDDLEWARE = (
    "agentos.core.http.middleware.security_headers",
    "agentos.core.http.middleware.json_errors",
    "django_htmx.middleware.HtmxMiddleware",
)

CONTEXT_PROCESSOR = "agentos.dashboard.layout.of_settings"
BUILTINS = (
    "template_partials.templatetags.partials",
    "django.templatetags.i18n",
    "django.templatetags.static",
    "agentos.core.templatetags.agentos",
)

# A wheel has everything in folders of an app, where Django looks by itself; it is named here too, for a project that wants ours first.
TEMPLATE_DIRS = (_CHECKOUT / "templates", _CHECKOUT / "partials") if _CHECKOUT else (_PACKAGE / "core" / "templates",)
DOCS = (_CHECKOUT or _PACKAGE / "core") / "docs"  # those that pages show
STATIC_DIRS = (_CHECKOUT / "static",) if _CHECKOUT else ()


def templates(*dirs: Path, context_processors: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Return TEMPLATES for a project whose own templates are in ``dirs`` and in its apps. Ours are found after those of ``dirs``."""
    return [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": [*dirs, *TEMPLATE_DIRS],
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                    *context_processors,
                    CONTEXT_PROCESSOR,
                ],
                "builtins": list(BUILTINS),
            },
        },
    ]
