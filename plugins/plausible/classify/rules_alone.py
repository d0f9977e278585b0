"""The rules that look at one request and when it came: ourselves, cards, proxies, named machines. Pure."""

from __future__ import annotations

from plugins.plausible.classify.model import Class
from plugins.plausible.classify.rule import AT_ONCE, CLOCK_SLACK, IN_TRANSIT, Rule, always, at, is_a, opened_by
from plugins.plausible.client_names import Kind

OURSELVES = (
    Rule(
        "agent-session",
        Class.SELF,
        0.98,
        "The browser is logged in as an agent.",
        "opened by an agent",
        lambda s, c: s.agent_session,
    ),
    Rule(
        "agent-copy",
        Class.SELF,
        0.9,
        "The copy itself went to an agent.",
        "an agent's own copy",
        lambda s, c: c.agent_copy,
    ),
    Rule(
        "customer-session",
        Class.HUMAN,
        0.95,
        "The browser is logged in as a customer.",
        "read in the customers' area",
        lambda s, c: s.customer_session,
    ),
    Rule(
        "portal-address",
        Class.SELF,
        0.98,
        "The request comes from the portal's own address.",
        "loaded by the portal itself",
        at("portal"),
    ),
    Rule(
        "portal-page",
        Class.SELF,
        0.98,
        "The request comes from a page of the agents' side of the portal.",
        "opened from the ticket page",
        lambda s, c: s.portal_page,
    ),
    Rule(
        "agent-address",
        Class.SELF,
        0.8,
        "An agent's recent address, while the customer is outside the company.",
        "opened from an address that agents use",
        lambda s, c: "agent" in s.networks and not c.recipient_internal,
    ),
)

PREVIEWS = (
    Rule(
        "link-card",
        Class.PREVIEW,
        0.95,
        "A chat or messenger draws a card for a pasted link.",
        "a link card, drawn by {client}",
        is_a(Kind.PREVIEW),
    ),
    Rule(
        "speculative",
        Class.PREVIEW,
        0.95,
        "A browser loads ahead and says so (Purpose, Sec-Purpose).",
        "loaded ahead by a browser, without a click",
        lambda s, c: s.speculative,
    ),
)

PROXIES = (
    Rule(
        "gmail-ahead",
        Class.PRIVACY_PREFETCH,
        0.95,
        "Gmail's program that loads images ahead while an account is open.",
        "Gmail loaded the images ahead",
        opened_by(Kind.GMAIL_AHEAD),
    ),
    Rule(
        "proxy-at-once",
        Class.PRIVACY_PREFETCH,
        0.5,
        "A mail proxy within 5 seconds of delivery: faster than a person.",
        "{client}, within seconds of delivery: loaded ahead, or a very quick reader",
        opened_by(Kind.DISPLAY_PROXY, Kind.MINOR_PROXY),
        before=AT_ONCE,
    ),
    Rule(
        "display-proxy",
        Class.HUMAN_PROXY,
        0.85,
        "Gmail's or Yahoo's proxy, which loads when the mail is shown.",
        "shown to a person, through {client}",
        opened_by(Kind.DISPLAY_PROXY),
    ),
    Rule(
        "minor-proxy",
        Class.HUMAN_PROXY,
        0.75,
        "Another mail service's proxy that names itself.",
        "shown to a person, it seems, through {client}",
        opened_by(Kind.MINOR_PROXY),
    ),
    Rule(
        "bare-open",
        Class.BOT,
        0.9,
        "“Mozilla/5.0” alone, from an address that also follows links under this name: not Apple Mail.",
        "loaded by a program with an empty browser name that also follows links",
        opened_by(Kind.APPLE_AHEAD),
        mark="bare",
    ),
    Rule(
        "apple-relay",
        Class.PRIVACY_PREFETCH,
        0.95,
        "Apple Mail's privacy protection, from Apple's own network.",
        "Apple Mail loaded the images ahead",
        lambda s, c: s.is_open and s.client.kind is Kind.APPLE_AHEAD and "apple_relay" in s.networks,
        by_network=True,
    ),
    Rule(
        "apple-ahead",
        Class.PRIVACY_PREFETCH,
        0.8,
        "Apple Mail's privacy protection, from another network.",
        "Apple Mail loaded the images ahead, it seems",
        opened_by(Kind.APPLE_AHEAD),
    ),
    Rule(
        "bare-click",
        Class.BOT,
        0.9,
        "“Mozilla/5.0” alone follows a link, which Apple Mail never does.",
        "followed by a program with an empty browser name",
        is_a(Kind.APPLE_AHEAD),
    ),
    Rule(
        "proxy-click",
        Class.SCANNER,
        0.8,
        "A program that only loads images follows a link.",
        "followed by {client}, which only loads images",
        is_a(Kind.GMAIL_AHEAD, Kind.DISPLAY_PROXY, Kind.MINOR_PROXY),
    ),
)

MACHINES = (
    Rule(
        "named-scanner",
        Class.SCANNER,
        0.95,
        "A security product names itself.",
        "checked by {client}",
        is_a(Kind.SECURITY),
    ),
    Rule(
        "named-robot",
        Class.BOT,
        0.95,
        "A robot, script or monitor names itself.",
        "loaded by {client}",
        is_a(Kind.ROBOT),
    ),
    Rule(
        "odd-method",
        Class.SCANNER,
        0.95,
        "HEAD, OPTIONS or another method that no reader's program uses.",
        "asked without loading, as scanners do",
        lambda s, c: s.odd_method,
    ),
    Rule(
        "before-delivery",
        Class.SCANNER,
        0.95,
        "Before the next mail server had taken the mail.",
        "before the mail was delivered",
        always,
        before=CLOCK_SLACK,
        after=IN_TRANSIT,
    ),
    Rule(
        "library-click",
        Class.BOT,
        0.9,
        "An HTTP library follows a link: apps leave that to a browser.",
        "followed by {client}",
        lambda s, c: s.client.kind is Kind.LIBRARY and not s.is_open,
    ),
    Rule(
        "library",
        Class.BOT,
        0.6,
        "An HTTP library: some mail apps load images with one, and so do scripts.",
        "loaded by {client}: a mail app or a script",
        is_a(Kind.LIBRARY),
    ),
    Rule(
        "nameless",
        Class.BOT,
        0.6,
        "A program that does not say what it is.",
        "loaded by a program without a name",
        is_a(Kind.NOTHING),
    ),
)
