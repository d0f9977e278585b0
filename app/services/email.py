"""Send mail, inside the portal and in a plain script."""

from app.email.addresses import Address, check_email, parse_address, parse_address_list
from app.email.copy_ids import CopyIds
from app.email.errors import (
    AddressRefused,
    AttachmentRefused,
    ContentTooLarge,
    EmailRefused,
    HeaderRefused,
    RecipientsSuppressed,
)
from app.email.message import Attachment
from app.email.models import NewMail
from app.email.service import (
    announce,
    check_mail,
    deliver_now,
    enqueue,
    enqueue_many,
    reply_of_message,
    send_again,
    send_email,
)

__all__ = [
    "Address",
    "AddressRefused",
    "Attachment",
    "AttachmentRefused",
    "ContentTooLarge",
    "CopyIds",
    "EmailRefused",
    "HeaderRefused",
    "NewMail",
    "RecipientsSuppressed",
    "announce",
    "check_email",
    "check_mail",
    "deliver_now",
    "enqueue",
    "enqueue_many",
    "parse_address",
    "parse_address_list",
    "reply_of_message",
    "send_again",
    "send_email",
]
