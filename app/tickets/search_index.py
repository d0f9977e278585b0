"""What the search knows of a ticket; kept up to date in the transactions that change the ticket."""

from __future__ import annotations

from app import words
from app.database import Connection
from app.tickets import search_repository as repository


async def add(conn: Connection, ticket_id: int, *texts: str) -> None:
    """Let a ticket be found by the words of new texts, in the caller's transaction.

    Call after the texts are stored and with the ticket's row locked. The first call for a ticket takes in its
    subject, its contact and every message, so a ticket that came another way is complete after its next message.
    """
    known = await repository.words_of(conn, ticket_id)
    if known is None:
        everything = (
            await repository.head_of_ticket(conn, ticket_id),
            await repository.bodies_of_ticket(conn, ticket_id),
        )
        document = words.document(words.words_of(*everything[0], *everything[1]))
        await repository.insert_words(conn, ticket_id=ticket_id, words=document)
        await repository.insert_new_words(conn, ticket_id=ticket_id, words=document)
        return
    fresh = words.missing_from(known, words.words_of(*texts))
    if fresh:
        document = words.document(fresh)
        await repository.append_words(conn, ticket_id=ticket_id, words=document)
        await repository.insert_new_words(conn, ticket_id=ticket_id, words=document)


async def add_to_tickets_of(conn: Connection, contact_id: int, *texts: str) -> None:
    """Let all tickets of a contact be found by new words of the contact, in the caller's transaction."""
    document = words.document(words.words_of(*texts))
    if document.strip():
        # First the rows whose foreign key waits for tickets that are being answered; who answers one takes this order.
        await repository.insert_new_words_of_contact(conn, contact_id=contact_id, words=document)
        await repository.append_words_of_contact(conn, contact_id=contact_id, words=document)
