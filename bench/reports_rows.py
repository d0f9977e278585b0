"""The rows of `bench.reports`, made by the server itself: MariaDB's sequence tables give the numbers."""

from __future__ import annotations

from datetime import datetime

from app.sql import literal

DAYS = 365
EVENTS_A_MAIL = 2.5
MAILS_A_TICKET = 3
AGENTS, DEPARTMENTS, TAGS, CONTACTS, LINKS = 20, 8, 30, 500, 400
PROGRAMS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.1",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Microsoft Outlook 16.0.17928)",
    "Mozilla/5.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
    "Barracuda Sentinel (EE)",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Safari/537.36",
)
CLASSES = ("human",) * 9 + ("human_proxy",) * 4 + ("privacy_prefetch",) * 4 + ("scanner",) * 2 + ("bot",)
"""One in twenty each; one in a thousand is a preview."""


def _draw(number: str, salt: int, below: int) -> str:
    """A number below `below` that hangs on another one, in SQL."""
    return f"(CRC32(CONCAT({number}, '-{salt}')) % {below})"


def _pick(number: str, salt: int, values: tuple[str, ...]) -> str:
    return f"ELT(1 + {_draw(number, salt, len(values))}, {', '.join(map(literal, values))})"


def statements(events: int, now: datetime) -> list[tuple[str, str]]:
    """What is filled, with its statement, in order."""
    mails = max(1, int(events / EVENTS_A_MAIL))
    tickets = max(1, mails // MAILS_A_TICKET)
    start = now.replace(microsecond=0).timestamp() - DAYS * 86400
    step = DAYS * 86400 / mails
    written = f"FROM_UNIXTIME({start:.0f} + s.seq * {step:.6f})"
    mail = f"(1 + {_draw('s.seq', 1, mails)})"
    # An event comes within some hours of its mail, and not after now.
    opened = (
        f"LEAST({literal(now)}, FROM_UNIXTIME({start:.0f} + {mail} * {step:.6f} + 600 + {_draw('s.seq', 2, 80_000)}))"
    )
    is_click = f"{_draw('s.seq', 3, 100)} < 15"
    kind = f"IF({_draw('s.seq', 4, 1000)} = 0, 'preview', {_pick('s.seq', 5, CLASSES)})"
    persons = "e.class IN ('human', 'human_proxy')"
    return [
        ("users", f"""
            INSERT INTO users (id, email, name, role, signature, created_at)
            SELECT s.seq, CONCAT('agent', s.seq, '@portal.test'), CONCAT('Agent ', s.seq),
                   IF(s.seq = 1, 'admin', 'agent'), '', UTC_TIMESTAMP(6) FROM seq_1_to_{AGENTS} AS s"""),
        ("departments", f"""
            INSERT INTO departments (id, name, email, created_at, updated_at)
            SELECT s.seq, CONCAT('Department ', s.seq), '', UTC_TIMESTAMP(6), UTC_TIMESTAMP(6)
              FROM seq_1_to_{DEPARTMENTS} AS s"""),
        ("tags", f"""
            INSERT INTO tags (id, name, created_at)
            SELECT s.seq, CONCAT('tag-', s.seq), UTC_TIMESTAMP(6) FROM seq_1_to_{TAGS} AS s"""),
        ("contacts", f"""
            INSERT INTO contacts (id, name, email, notes, created_at, updated_at)
            SELECT s.seq, CONCAT('Reader ', s.seq), CONCAT('reader', s.seq, '@example.org'), '', UTC_TIMESTAMP(6),
                   UTC_TIMESTAMP(6) FROM seq_1_to_{CONTACTS} AS s"""),
        ("tickets", f"""
            INSERT INTO tickets (id, subject, contact_id, status, active, department_id, created_at, last_activity_at)
            SELECT s.seq, CONCAT('Question ', s.seq), 1 + s.seq % {CONTACTS}, 'closed', 0, 1 + s.seq % {DEPARTMENTS},
                   UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) FROM seq_1_to_{tickets} AS s"""),
        ("ticket_tags", f"""
            INSERT INTO ticket_tags (ticket_id, tag_id)
            SELECT s.seq, 1 + {_draw('s.seq', 6, TAGS)} FROM seq_1_to_{tickets} AS s WHERE s.seq % 3 > 0"""),
        ("ticket_replies", f"""
            INSERT INTO ticket_replies (id, ticket_id, kind, author_user_id, body_html, body_text, created_at)
            SELECT s.seq, 1 + s.seq % {tickets}, 'reply', 1 + {_draw('s.seq', 7, AGENTS)}, '<p>Hello</p>', 'Hello',
                   {written} FROM seq_1_to_{mails} AS s"""),
        ("outgoing_emails", f"""
            INSERT INTO outgoing_emails (id, reply_id, message_id, subject, sender, html_body, text_body, reference_ids,
                                         headers, enable_tracking, metadata, created_at)
            SELECT s.seq, s.seq, CONCAT('<', s.seq, '@portal.test>'), 'Re: Question', 'support@portal.test',
                   '<p>Hello</p>', 'Hello', '', '{{}}', 1, '{{}}', {written} FROM seq_1_to_{mails} AS s"""),
        ("email_recipients", f"""
            INSERT INTO email_recipients (id, email_id, role, email, tracking_id, state, next_attempt_at, sending_at,
                                          sent_at, reports, fate, created_at)
            SELECT s.seq, s.seq, 'to', CONCAT('reader', 1 + s.seq % {CONTACTS}, '@example.org'), SHA2(s.seq, 224),
                   IF(s.seq % 100 = 0, 'failed', 'sent'), {written}, {written},
                   IF(s.seq % 100 = 0, NULL, {written}), 'clicks,opens',
                   IF(s.seq % 100 = 0, NULL, IF(s.seq % 40 = 1, 'bounced', 'delivered')), {written}
              FROM seq_1_to_{mails} AS s"""),
        ("email_tracking_events", f"""
            INSERT INTO email_tracking_events (event_key, tracking_id, recipient_id, event_type, event_url, user_agent,
                                               occurred_at, repeats, class, rule, confidence, reason, evidence)
            SELECT UNHEX(CONCAT(LPAD(HEX(FLOOR(UNIX_TIMESTAMP(d.at) * 1000)), 12, '0'), LPAD(HEX(d.number), 20, '0'))),
                   SHA2(d.mail, 224), d.mail, IF(d.is_click, 'click', 'open'),
                   IF(d.is_click, CONCAT('https://example.org/guide/', {_draw('d.number', 8, LINKS)}, '?who=', d.mail),
                      NULL),
                   {_pick('d.number', 9, PROGRAMS)}, d.at, 1, d.class, 'bench', 0.9, 'opened in a mail program', '{{}}'
              FROM (SELECT s.seq AS number, {mail} AS mail, {opened} AS at, {is_click} AS is_click, {kind} AS class
                      FROM seq_1_to_{events} AS s) AS d
             WHERE d.mail % 100 > 0"""),
        ("email_tracking_recipients", f"""
            INSERT INTO email_tracking_recipients (recipient_id, reply_id, open_count, first_opened_at, last_opened_at,
                click_count, event_count, person_opens, machine_opens, person_clicks, machine_clicks, first_read_at,
                last_read_at, state, words, version)
            SELECT e.recipient_id, e.recipient_id, SUM(e.event_type = 'open'), MIN(e.occurred_at), MAX(e.occurred_at),
                   SUM(e.event_type = 'click'), COUNT(*), SUM(e.event_type = 'open' AND {persons}),
                   SUM(e.event_type = 'open' AND NOT {persons}), SUM(e.event_type = 'click' AND {persons}),
                   SUM(e.event_type = 'click' AND NOT {persons}), MIN(IF({persons}, e.occurred_at, NULL)),
                   MAX(IF({persons}, e.occurred_at, NULL)), IF(MAX({persons}), 'read', 'machine'), '', 1
              FROM email_tracking_events AS e GROUP BY e.recipient_id"""),
        ("receipts", """
            UPDATE email_recipients AS r JOIN email_tracking_recipients AS t ON t.recipient_id = r.id
               SET r.seen = t.state, r.seen_at = t.first_opened_at, r.last_seen_at = t.last_opened_at"""),
    ]  # fmt: skip
