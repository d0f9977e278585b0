"""Who lives in the demo: names, addresses, and what they write about."""

from __future__ import annotations

from dataclasses import dataclass

AGENTS = [
    ("ada@acme.example", "Ada Lindqvist", "admin", "welcome-ada"),
    ("gus@acme.example", "Gus Moreau", "agent", "welcome-gus"),
    ("mei@acme.example", "Mei Tanaka", "agent", "welcome-mei"),
]

CONTACTS = [
    ("Bob Hartmann", "bob.hartmann@northwind.example"),
    ("Irene Öztürk", "irene@oeztuerk-design.example"),
    ("Carlos Peña", "carlos.pena@latiendita.example"),
    ("Priya Nair", "priya.nair@brightlabs.example"),
    ("Tomáš Novák", "novak@stavby-novak.example"),
    ("ليلى حداد", "layla@haddad-books.example"),
    ("Grace Okafor", "grace@okafor-logistics.example"),
    ("Jun Watanabe", "jun.watanabe@kitabento.example"),
]


@dataclass(frozen=True)
class Story:
    """One ticket: what the customer wrote, and what we answered (None: nobody did yet)."""

    subject: str
    question: str
    answer: str | None
    thanks: str | None = None


STORIES = [
    Story(
        "Invoice 2041 shows the wrong VAT rate",
        "<p>Hello,</p><p>our invoice <b>2041</b> from last week charges 21 % VAT, but we are a reverse-charge "
        "customer (VAT id on file). Could you send a corrected one? Our bookkeeping closes on Friday.</p>",
        "<p>Hello {first},</p><p>you are right, the reverse charge was lost when your plan changed. A corrected "
        'invoice is in your account: <a href="https://billing.acme.example/invoices/2041-C?lang=en&amp;pdf=1">invoice '
        "2041-C</a>.</p><p>The old one is cancelled; you need not do anything else.</p>",
        "<p>Got it, thank you. That was fast.</p>",
    ),
    Story(
        "Cannot log in after changing my phone",
        "<p>Hi, I got a new phone and the authenticator codes are gone. The recovery codes are on the old phone too "
        "&mdash; I know, I know. How can I get back in?</p>",
        "<p>Hi {first},</p><p>that happens to the best of us. Please follow these steps:</p><ol><li>Open <a "
        'href="https://acme.example/account/recovery">account recovery</a>.</li><li>Choose <i>I have no second '
        "factor</i>.</li><li>Answer the call to the number on file.</li></ol><p>It takes about ten minutes.</p>",
    ),
    Story(
        "Export to CSV stops at 10,000 rows",
        "<p>We have 34,212 orders, but the CSV always ends at row 10,000. Is that a limit of our plan?</p>",
        "<p>Hello {first},</p><p>no, that is a bug on our side, and it is fixed since this morning. Exports over "
        '10,000 rows now arrive as a link by email, see <a href="https://docs.acme.example/exports#large">Large '
        "exports</a>.</p>",
        "<p>Works now, all 34,212 are there.</p>",
    ),
    Story(
        "Delivery address for order 88213",
        "<p>Please change the delivery address of order 88213 to our new warehouse, Dock 4. The truck comes on "
        "Monday.</p>",
        "<p>Hello {first},</p><p>done: order 88213 goes to Dock 4. You can follow it here: "
        '<a href="https://track.acme.example/88213">tracking page</a>.</p>',
    ),
    Story("Quote for 25 more seats", "<p>Could you send us a quote for 25 more seats, billed yearly?</p>", None),
    Story(
        "The dashboard is empty since the update",
        "<p>Since yesterday's update our dashboard shows no data at all. Chrome and Firefox, three colleagues. "
        "Nothing in the status page.</p>",
        "<p>Hello {first},</p><p>thank you for the details. Your workspace had a filter on a field that the update "
        "renamed. We repaired it; a reload shows your data again.</p><blockquote>Filter <code>region_code</code> → "
        "<code>region</code></blockquote>",
    ),
    Story(
        "Webhook sends the same event twice",
        "<p>Our endpoint gets <code>order.paid</code> twice within a second, with the same id. Is that expected?</p>",
        "<p>Hello {first},</p><p>yes: deliveries are at least once, so that nothing is lost. Please use the "
        "<code>Event-Id</code> header to drop repeats; an example is in the <a "
        'href="https://docs.acme.example/webhooks/idempotency">webhook guide</a>.</p>',
    ),
    Story("Please delete my account", "<p>I no longer need the service. Please delete my account and data.</p>", None),
    Story(
        "Password reset mail does not arrive",
        "<p>I asked three times for a password reset and nothing comes, not in spam either.</p>",
        "<p>Hello {first},</p><p>your mail server deferred our mail for an hour (greylisting). All three have now "
        "been accepted; please use the newest one.</p>",
    ),
    Story(
        "Can we pay by bank transfer?",
        "<p>Our procurement cannot pay by card. Is a bank transfer possible for the yearly plan?</p>",
        "<p>Hello {first},</p><p>yes, for yearly plans. I have switched your account; the next invoice carries our "
        "bank details.</p>",
        "<p>Perfect, thanks!</p>",
    ),
    Story("Error 502 when uploading large images", "<p>Uploads over 20 MB end with “502 Bad Gateway”.</p>", None),
    Story(
        "Training for new colleagues",
        "<p>We have four new colleagues in December. Do you offer a training, and what does it cost?</p>",
        "<p>Hello {first},</p><p>we do, and for your plan it is included. Pick a date here: <a "
        'href="https://acme.example/training?group=4">training calendar</a>.</p>',
    ),
]
