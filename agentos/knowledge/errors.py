"""Why something cannot be done with a base or a document.

BadKnowledge         what was given cannot be taken: ``field`` says where
KnowledgeError
+-- NotYourBase      one may not change it, or not make one for that team
+-- SameName         there is a base of this name already
+-- TooMany          there is a limited number of them
"""

from django.utils.translation import gettext as _

from agentos.core.http.errors import Problem


class BadKnowledge(Problem):
    """Nothing was kept."""

    def __init__(self, field: str, sentence: str, status: int = 422) -> None:
        super().__init__(status, sentence, code="invalid_fields")
        self.field = field


class KnowledgeError(Problem):
    """Raised before anything is changed."""

    status = 409

    def __init__(self, sentence: str) -> None:
        super().__init__(self.status, sentence)


class NotYourBase(KnowledgeError):
    status = 403
    code = "not_your_base"


class SameName(KnowledgeError):
    code = "same_name"
    field = "name"

    def __init__(self, name: str) -> None:
        super().__init__(_("There is a knowledge base “%(name)s” already. Choose another name.") % {"name": name})


class TooMany(KnowledgeError):
    code = "too_many"
