"""What an invitation that was followed does once there is an account."""

from django.http import HttpRequest

from agentos.access import invitations
from agentos.access.users import User


def take_invitation(request: HttpRequest, user: User) -> None:
    """Let a new account join what it was invited to. The form has seen to it that the address is that of the invitation."""
    invitation = invitations.of_session(request.session)
    if invitation is not None and invitation.email == user.email:
        invitations.accept(invitation=invitation, by=user)
        invitations.forget(request.session)
