"""/api/tickets/<id>/replies: answer a ticket, and look what became of the answer's mail."""

from __future__ import annotations

from quart import Blueprint, Response, g
from quart_schema import document_response

from app.api import models, reply_models, repository, views
from app.api.answers import answer
from app.api.errors import Refused, called
from app.api.requests import takes
from app.receipts import service as receipts
from app.runtime import current
from app.tickets import service, verdicts

TICKET = f"<int(min=1, max={models.MAX_ID}):ticket_id>"
REPLY = f"<int(min=1, max={models.MAX_ID}):reply_id>"

replies = Blueprint("replies", __name__, url_prefix=f"/tickets/{TICKET}/replies")


@replies.post("")
@document_response(reply_models.StoredReply, 201)
@takes(reply_models.NewReply)
async def create_reply(*, ticket_id: int, body: reply_models.NewReply) -> Response:
    """Answer a ticket by mail, or add an internal note.

    Reply and mail are stored before this answers; the worker sends each recipient a copy of their own.
    """
    with called(body="html_body", files="attachments"):
        sent = await service.add_reply(
            ticket_id,
            author=g.user,
            html_body=body.html_body,
            to=body.to,
            cc=body.cc,
            bcc=body.bcc,
            internal=body.internal,
            enable_tracking=body.enable_tracking,
            attachment_ids=body.attachments,
            then_status=body.status,
        )
    stored = views.stored_reply(ticket_id, sent.id, sent.mail)
    where = f"/api/tickets/{ticket_id}/replies/{sent.id}/tracking" if sent.mail else f"/api/tickets/{ticket_id}"
    return answer(stored, 201, {"Location": where})


@replies.get(f"/{REPLY}/tracking")
@document_response(reply_models.ReplyTracking)
async def read_tracking(*, ticket_id: int, reply_id: int) -> Response:
    """Tell what is known of a reply's mail: badge, recipients, timeline.

    "Read" means likely read: a person's mail program loaded the images, or a person followed a link, as far as people
    can be told from machines. No "Read" proves nothing.
    """
    return answer(await _tracking(ticket_id, reply_id))


@replies.patch(f"/{REPLY}/recipients/<int(min=1, max={models.MAX_COPY_ID}):recipient_id>/verdict")
@document_response(reply_models.ReplyTracking)
@takes(reply_models.NewVerdict)
async def judge_copy(*, ticket_id: int, reply_id: int, recipient_id: int, body: reply_models.NewVerdict) -> Response:
    """Correct what a module says of a recipient's copy: it was read, or it was not.

    The verdict counts until it is taken back, and stands in the ticket's history.
    """
    await verdicts.judge(ticket_id, reply_id, recipient_id, body.verdict, user=g.user)
    return answer(await _tracking(ticket_id, reply_id))


async def _tracking(ticket_id: int, reply_id: int) -> reply_models.ReplyTracking:
    async with current().database.connection() as conn:
        kind = await repository.kind_of_message(conn, ticket_id=ticket_id, message_id=reply_id)
        tracking_ids = await repository.tracking_ids(conn, reply_id) if kind else {}
    if kind is None:
        raise Refused(404, f"Ticket {ticket_id} has no reply {reply_id}.")
    panel = (await receipts.panels([reply_id])).get(reply_id)
    if panel is None:
        raise Refused(404, f"Message {reply_id} was not mailed, so nothing is known of how it arrived.")
    return views.tracking(ticket_id, reply_id, panel, tracking_ids)
