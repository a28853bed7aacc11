"""Writes the letter to whoever is invited to work for an organiser."""

from chalicelib.platform.eventsourcing.codec import recorded
from chalicelib.shop.access.commands import secret_of_invitation
from chalicelib.shop.access.events import InvitationRevoked, MemberInvited, MemberJoined
from chalicelib.shop.mails.about_orders import ANYWHERE, WritingServices
from chalicelib.shop.mails.letters import Addressed, Button, Letter, NotToBeSent
from chalicelib.shop.mails.mail import MailKey
from chalicelib.shop.mails.words import Words


def invitation(shop: WritingServices, key: MailKey) -> Addressed:
    """Write the invitation, while it can be accepted. Nobody knows yet which language is wanted, so it is English.

    Raises NotToBeSent.
    """
    invited: MemberInvited | None = None
    for stored in shop.event_store.read(key.stream_id):
        one = recorded(stored)
        match one.event:
            case MemberInvited(invitation_id=key.about) as event:
                invited = event
            case InvitationRevoked(invitation_id=key.about) | MemberJoined(invitation_id=key.about):
                invited = None
    if invited is None or shop.clock() >= invited.expires_at:
        raise NotToBeSent("it cannot be accepted")
    return Addressed(invited.email, _letter(shop, invited), invited.at)


def _letter(shop: WritingServices, event: MemberInvited) -> Letter:
    words = Words(None)
    invitation_id = event.invitation_id
    secret = secret_of_invitation(shop.ids, invitation_id)
    paragraphs = (
        words("invitation.intro", role=words(f"invitation.role.{event.role}")),
        words("invitation.until", until=f"{words.instant(event.expires_at, ANYWHERE)} {ANYWHERE}"),
    )
    button = Button(words("invitation.button"), shop.mail_links.invitation(event.organiser_id, invitation_id, secret))
    return Letter(words.language, words("invitation.subject"), paragraphs, button=button)
