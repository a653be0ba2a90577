"""Why something cannot be done with an agent.

AgentError
+-- NotYourAgent     one may not change it, or not share it like that
+-- DraftMoved       somebody else has changed the draft meanwhile
+-- NotReady         something is missing before it can be published
+-- NothingNew       the draft is what is published
+-- NeverPublished   nobody can use it yet
+-- HasChats         it cannot be deleted
+-- InvalidAgent     a name or an id that cannot be
+-- TooManyAgents    somebody has as many of their own as one may have
+-- TooManyCases     it has as many tests as one may have
+-- CannotTest       there are none, or they are being run
"""

from collections.abc import Mapping

from django.utils.translation import gettext as _

from agentos.agents.models import AgentDraft
from agentos.core.http.errors import Problem


class AgentError(Problem):
    """Raised before anything is changed."""

    status = 409

    def __init__(self, sentence: str) -> None:
        super().__init__(self.status, sentence)


class NotYourAgent(AgentError):
    status = 403
    code = "not_your_agent"


class DraftMoved(AgentError):
    """``draft``: as it is now."""

    code = "draft_changed"

    def __init__(self, draft: AgentDraft) -> None:
        self.draft = draft
        super().__init__(_("Somebody else has changed this draft since you opened it. Nothing was saved over it."))


class NotReady(AgentError):
    """``missing``: what is to be done, by part of the blueprint."""

    code = "not_ready"

    def __init__(self, missing: Mapping[str, str]) -> None:
        self.missing = dict(missing)
        self.field, sentence = next(iter(self.missing.items()))
        super().__init__(sentence)


class NothingNew(AgentError):
    code = "nothing_new"

    def __init__(self) -> None:
        super().__init__(_("Nothing has changed since the last version."))


class NeverPublished(AgentError):
    code = "never_published"

    def __init__(self) -> None:
        super().__init__(_("Publish it first: until then nobody can use it."))


class HasChats(AgentError):
    code = "has_chats"

    def __init__(self) -> None:
        super().__init__(_("This agent was published, and its chats stay readable. Turn it off instead of deleting it."))


class InvalidAgent(AgentError):
    """``field``: name, agent_id or team."""

    status = 422
    code = "invalid_fields"

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class TooManyAgents(AgentError):
    code = "too_many_agents"


class TooManyCases(AgentError):
    code = "too_many_tests"


class CannotTest(AgentError):
    code = "cannot_test"
