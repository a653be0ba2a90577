"""What can go wrong with a run: the closed list of codes, and what people are told. The text of an error is never shown."""

from collections.abc import Mapping
from types import MappingProxyType

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from agentos.agents import providers
from agentos.conf import app_settings

# What happened, what is safe, what to do.
_SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "agent_unavailable": _("This agent is not available now. Your message is saved."),
        "model_unreachable": _("The model could not be reached, or the connection to it broke. Your message is saved. Try again."),
        "model_silent": _("The model did not answer for {silence} s. Your message is saved. Try again."),
        "run_timeout": _("The answer took longer than {run} s and was stopped. What was said so far is kept. Try a smaller request."),
        "model_auth": _("The model did not accept the key of this site. Your message is saved. Tell your administrator."),
        "model_quota": _("This site has used up what it may use of the model. Your message is saved. Tell your administrator."),
        "model_no_tools": _("The model of this agent cannot use tools. Your message is saved. Ask your administrator to fix it."),
        "model_missing": _("This agent's model no longer exists. Your message is saved. Ask your administrator to fix it."),
        "model_busy": _("The model is busy. Your message is saved. Wait a moment, then try again."),
        "model_rejected": _("The model did not accept this message. Your message is saved. Change it, then try again."),
        "media_refused": _(
            "The model did not accept a file of this message. Your message is saved. Send it without that file, or in another form."
        ),
        "files_away": _("The files of this message could not be read at the moment. Your message is saved. Try again."),
        "context_too_long": _("This chat is too long for the model. Your message is saved. Shorten it, or start a new chat."),
        "tool_limit": _("The agent used its tools {steps} times without an answer. What it said so far is kept. Try a smaller request."),
        "model_error": _("The model failed while answering. Your message is saved. Try again."),
        "model_empty": _("The model gave no answer. Your message is saved. Try again."),
        "model_added_nothing": _("The agent used its tools, but the model added nothing to what they gave. That is kept. Try again."),
        "content_policy": _(
            "The provider of the model withheld the answer by its rules. Your message is saved. Change it, then try again."
        ),
        "interrupted": _("The server went away while this answer was written. What was said so far is kept. Try again."),
        "suspended": _("The answer was stopped, since the account was suspended. What was said so far is kept."),
        "agent_closed": _("The answer was stopped, since you may no longer use this agent. What was said so far is kept."),
        "internal": _("Something went wrong on this site. Your message is saved. Try again, and if that fails, tell your administrator."),
    }
)

CODES = frozenset(_SENTENCES)

# Of an answer that was completed without being whole.
_CUTS: Mapping[str, str] = MappingProxyType(
    {
        "length": _("The model reached its limit for one answer."),
        "content_filter": _("The provider of the model withheld the rest."),
        "unfinished": _("The model did not say that it was done: the end may be missing."),
    }
)

# A second attempt may help, and is only allowed before the first token.
RETRYABLE = frozenset({"model_unreachable", "model_busy"})

# Another model may answer: this one is not there, or does not work here. Only before the first token as well.
OF_THE_MODEL = RETRYABLE | {"agent_unavailable", "model_auth", "model_quota", "model_missing", "model_error"}


# What operators are told besides: what is missing.
_MISSING: Mapping[str, str] = MappingProxyType(
    {
        "agent_unavailable": "{reason}",
        "model_unreachable": _("Check that the server of {model} is up and can be reached from here."),
        "model_silent": _("Look at the server of {model}, or set AGENTOS_SILENCE_TIMEOUT higher."),
        "model_auth": _("The provider did not accept {keys}."),
        "model_quota": _("Look at the billing page of the provider ({label}), or choose another model for this agent."),
        "model_no_tools": _("{model} does not support tools: take the tools from this agent, or choose a model that can call them."),
        "model_missing": _("The provider ({label}) does not know {model}: choose another one, or look whether the address is right."),
        "model_busy": _("The provider ({label}) limits how much is asked of it."),
        "content_policy": _("The provider ({label}) has refused it by its rules."),
    }
)
IN_THE_LOG = _("What happened is in the log, with the id of the run.")


def for_operator(code: str, model: str, reason: str = "") -> str:
    """Return what an operator is told of a run that failed with an agent of this model; empty when nothing is missing. ``reason``: why
    the agent is not available, where it is not for its model."""
    slug, _ = providers.split(model)
    provider = providers.PROVIDERS.get(slug)
    keys = " and ".join(" or ".join(group) for group in provider.keys) if provider else ""
    about = {
        "model": model,
        "label": provider.label if provider else slug,
        "keys": keys or ("AGENTOS_OPENAI_LIKE_API_KEY" if slug == "openai-like" else "the key"),
        "reason": reason or (gettext(IN_THE_LOG) if slug == "code" else providers.availability(model).reason) or gettext(IN_THE_LOG),
    }
    usual = IN_THE_LOG if code in {"internal", "model_error", "model_rejected"} else ""
    missing = _MISSING.get(code, usual)
    return gettext(missing).format(**about) if missing else ""


def cut_sentence(cut: str) -> str:
    return gettext(_CUTS.get(cut, _CUTS["unfinished"]))


SAVED = _("Your message is saved.")
KEPT = _("What was said so far is kept.")


def sentence(code: str, *, is_kept: bool = True) -> str:
    """Return what a person is told; a code that nobody knows is an internal failure. ``is_kept``: not of a try-out or a test, of which
    nothing is."""
    text = gettext(_SENTENCES.get(code, _SENTENCES["internal"]))
    for said in () if is_kept else (SAVED, KEPT):
        text = text.replace(gettext(said), "").replace("  ", " ").strip()
    return text.format(silence=app_settings.SILENCE_TIMEOUT, run=app_settings.RUN_TIMEOUT, steps=app_settings.TOOL_STEPS)
