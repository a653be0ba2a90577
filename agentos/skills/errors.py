"""Why something cannot be done with a skill.

BadSkill             what was given is no skill: ``field`` says where, name, description, body, text, files or file
SkillError
+-- NotYourSkill     one may not change it, or not for that team
+-- SameName         there is a skill of this name already
+-- SkillMoved       somebody else has saved it meanwhile
+-- NothingNew       it is what the last version is
+-- FromModule       it is changed in its module
+-- TooManySkills    a team has a limited number of them
"""

from http import HTTPStatus

from django.utils.translation import gettext as _

from agentos.core.http.errors import Problem


class BadSkill(Problem):
    """Nothing was made of it."""

    def __init__(self, field: str, sentence: str, status: int = 422) -> None:
        super().__init__(status, sentence, code="too_large" if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else "invalid_fields")
        self.field = field


class SkillError(Problem):
    """Raised before anything is changed."""

    status = 409

    def __init__(self, sentence: str) -> None:
        super().__init__(self.status, sentence)


class NotYourSkill(SkillError):
    status = 403
    code = "not_your_skill"


class SameName(SkillError):
    code = "same_name"
    field = "name"

    def __init__(self, name: str) -> None:
        super().__init__(
            _("There is a skill “%(name)s” already. Choose another name, or save this as a new version on its page.") % {"name": name}
        )


class SkillMoved(SkillError):
    code = "skill_changed"

    def __init__(self) -> None:
        super().__init__(_("Somebody else has saved this skill since you opened it. Nothing was saved over it."))


class NothingNew(SkillError):
    code = "nothing_new"

    def __init__(self) -> None:
        super().__init__(_("Nothing has changed since the last version."))


class FromModule(SkillError):
    code = "in_a_module"

    def __init__(self, source: str) -> None:
        super().__init__(_("This skill comes from the module %(source)s, and is changed there.") % {"source": source})


class TooManySkills(SkillError):
    code = "too_many_skills"
