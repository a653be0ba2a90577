"""The skill of the API's examples."""

from agentos.access.models import Team, User
from agentos.api.skill_resources import FILE, SKILL_ID
from agentos.skills.actions import save_skill
from agentos.skills.document import composed
from tests.factories import SkillFactory


def make_skill(team: Team, by: User) -> None:
    """With three versions, and its file."""
    skill = SkillFactory(pk=SKILL_ID, name="voice", team=team)
    save_skill(skill=skill, files={str(FILE["path"]): b"Say you."}, by=by)
    save_skill(skill=skill, document=composed(name="voice", description="How we write.", body="Be kind."), by=by)
