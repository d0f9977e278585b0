"""The demo's smaller tickets: subject, question, answer (empty: nobody answered yet)."""

from __future__ import annotations

SHORT = [
    (
        "Where do I find the API key?",
        "I looked in the profile, but it is not there.",
        'It is under <a href="https://acme.example/settings/api">Settings → API</a>, for owners only.',
    ),
    (
        "Label printer prints blank pages",
        "Since Tuesday the Zebra ZD421 only prints blank labels.",
        "Please set the media type to <b>direct thermal</b> in the driver; the last update reset it.",
    ),
    (
        "Change of company name",
        "We are now called Brightlabs GmbH. Please update our invoices.",
        "Done, from the next invoice on.",
    ),
    (
        "Two-factor for the whole team",
        "Can we force two-factor login for everybody?",
        'Yes, under <a href="https://acme.example/settings/security">Security</a>, switch <i>Required</i>.',
    ),
    (
        "Import failed: line 318",
        "The import says: line 318, unknown currency ‘BTC’.",
        "We only take ISO 4217 currencies; please remove the line or use EUR.",
    ),
    ("Wrong language in reminder mails", "Our customers get the reminders in German instead of Spanish.", ""),
    (
        "Duplicate charge in October",
        "My card was charged twice on 14 October, 49.00 each.",
        "Sorry about that. One of them was refunded today; it takes 3 to 5 days to show.",
    ),
    (
        "Feature request: dark mode for reports",
        "Our night shift would love it.",
        "Noted, and you are not the first to ask. It is planned for spring.",
    ),
    (
        "Mobile app closes when scanning",
        "Android 14, Pixel 8. It closes right after the beep.",
        "Version 5.2.1 repairs this; it is in the store since noon.",
    ),
    (
        "Order 90117 arrived damaged",
        "Two of six boxes were wet. Photos available.",
        "We are sorry. Replacements leave today, no need to send the old ones back.",
    ),
    (
        "Rate limit too low for nightly sync",
        "We hit 600 requests an hour at 2 a.m. every night.",
        'We raised it to 2,000 for your key. The <a href="https://docs.acme.example/api/bulk">bulk endpoint</a> '
        "needs far fewer.",
    ),
    (
        "How do I archive old projects?",
        "I only see Delete, and I do not dare.",
        "Hold <code>Alt</code> while you open the menu; we agree that this is well hidden.",
    ),
    (
        "GDPR: data processing agreement",
        "Our lawyer asks for a signed DPA.",
        'Here it is, signed by us: <a href="https://acme.example/legal/dpa.pdf">DPA</a>.',
    ),
    (
        "Calendar shows times in UTC",
        "All appointments are one hour off since the clocks changed.",
        "Please set the time zone in your profile once; it was empty.",
    ),
    ("Bulk edit lost my changes", "I changed 200 prices, saved, and they are back to the old ones.", ""),
    (
        "SSO with Okta",
        "Which attributes do you expect from the identity provider?",
        "<ul><li><code>email</code></li><li><code>given_name</code></li><li><code>family_name</code></li></ul>",
    ),
    ("Refund for unused seats", "We pay for 40, and use 31.", "We moved you to 31 seats; the difference is credited."),
    (
        "PDF attachment cannot be opened",
        "The PDF of ticket 2213 is zero bytes.",
        "Our virus scanner held it back by mistake. It is attached again.",
    ),
    (
        "Slow since this morning",
        "Every page takes ten seconds. Office in Lagos.",
        "A provider in your region had trouble until 11:20; it is fine again.",
    ),
    ("Change owner of the workspace", "Our old administrator left the company.", ""),
    (
        "Email signature with logo",
        "Is it possible to have our logo in the outgoing mails?",
        "Yes, paste it into the signature field; up to 200 kB.",
    ),
    (
        "Sandbox for testing",
        "Is there a test environment for integrations?",
        'There is: <a href="https://sandbox.acme.example">sandbox.acme.example</a>, emptied every night.',
    ),
    (
        "Missing item in delivery 77120",
        "The packing list says 12, there were 11.",
        "The missing one is on its way, tracking follows.",
    ),
    (
        "Keyboard shortcuts on Mac",
        "Ctrl+K does nothing here.",
        "On a Mac it is <code>⌘K</code>; the help page now says so.",
    ),
    (
        "Report: sum does not match",
        "The total is 3 cents off the sum of the rows.",
        "Each row is rounded, the total is not. We added a line that explains it.",
    ),
    ("Unsubscribe from the newsletter", "Please take me off the list.", "Done, and sorry for the bother."),
    (
        "Phone number for urgent cases",
        "Is there somebody we can call at night?",
        'With the Premium plan: the number is on your <a href="https://acme.example/premium">Premium page</a>.',
    ),
    (
        "Supplier portal: certificate expired",
        "The browser warns of an expired certificate.",
        "Renewed at 08:12. Please reload.",
    ),
]
