"""What the other requests say of one: who is swept along with a scanner, and who is not."""

from __future__ import annotations

from plugins.plausible.classify import Request
from tests.support.opens import (
    CHROME,
    FIREFOX,
    GMAIL,
    GMAIL_AHEAD,
    OUTLOOK,
    PAGE,
    SLACK,
    WEBMAIL,
    clicked,
    copy,
    judge,
    opened,
    rules_of,
)

HOUR = 3600.0


def _last(*requests: Request, links: int = 4, trap_link: str | None = None) -> str:
    """The rule that decided the last of them."""
    return rules_of(copy(*requests, links=links, trap_link=trap_link))[-1]


def test_a_reader_beside_a_burst_of_one_program_over_many_addresses_is_spared() -> None:
    burst = [clicked(HOUR + n / 2, str(n), client=f"net{n}") for n in range(3)]

    assert _last(*burst, clicked(HOUR + 0.7, "3", FIREFOX, client="reader")) == "browser"


def test_a_reader_beside_a_burst_of_many_programs_from_one_address_is_spared() -> None:
    burst = [clicked(HOUR + n / 2, str(n), f"{CHROME} Variant/{n}", client="gw") for n in range(3)]

    assert _last(*burst, clicked(HOUR + 0.7, "3", FIREFOX, client="reader")) == "browser"


def test_a_reader_beside_link_cards_is_spared() -> None:
    cards = [clicked(HOUR + n / 2, str(n), name, client=name) for n, name in enumerate((SLACK, "Discordbot/2.0"))]

    assert _last(*cards, clicked(HOUR + 0.7, "3", FIREFOX, client="reader")) == "browser"
    assert [judgement.kind for judgement in judge(*cards).requests] == ["preview", "preview"]


def test_a_burst_sweeps_its_own_pixel_along_even_from_elsewhere() -> None:
    burst = [clicked(HOUR + n / 2, str(n), client=f"net{n}") for n in range(3)]

    assert _last(*burst, opened(HOUR + 9, client="far")) == "burst"
    assert _last(*burst, opened(HOUR + 12, client="far")) == "browser"
    assert _last(*burst, opened(9 * HOUR, client="net1")) == "burst"


def test_three_tabs_by_hand_are_a_reader_s_and_three_by_machine_are_not() -> None:
    pixel = opened(HOUR, OUTLOOK)

    assert _last(pixel, *(clicked(HOUR + 20 + 0.4 * n, str(n)) for n in range(3))) == "browser"
    assert _last(pixel, *(clicked(HOUR + 20 + 0.2 * n, str(n)) for n in range(3))) == "burst"
    assert _last(pixel, *(clicked(HOUR + 14 + 0.4 * n, str(n)) for n in range(3))) == "burst"


def test_a_pixel_from_elsewhere_excuses_no_burst() -> None:
    pixel = opened(HOUR, OUTLOOK, client="other")

    assert _last(pixel, *(clicked(HOUR + 20 + 0.4 * n, str(n)) for n in range(3))) == "burst"


def test_the_trap_catches_the_same_program_nearby_and_nobody_hours_later() -> None:
    trap = clicked(HOUR, "trap", client="gw")

    assert _last(trap, clicked(HOUR + 50, client="elsewhere"), trap_link="trap") == "trap"
    assert _last(trap, clicked(HOUR + 70, client="elsewhere"), trap_link="trap") == "browser"
    assert _last(trap, clicked(3 * HOUR, client="gw"), trap_link="trap") == "trap"
    assert _last(trap, clicked(HOUR + 5, user_agent=FIREFOX, client="gw"), trap_link="trap") == "browser"


def test_both_links_from_a_hosted_desktop_are_a_reader_s_once_the_mail_was_open_there() -> None:
    desktop = opened(HOUR, OUTLOOK, networks=["cloud"])
    clicks = [clicked(HOUR + 60 * (n + 1), str(n), networks=["cloud"]) for n in range(2)]

    assert _last(desktop, *clicks, links=2) == "browser-in-cloud"
    assert _last(*clicks, links=2) == "series"


def test_every_one_of_many_links_from_a_data_centre_is_a_scanner_s_even_so() -> None:
    clicks = [clicked(HOUR + 60 * (n + 1), link, networks=["cloud"]) for n, link in enumerate("2031")]

    assert _last(opened(HOUR, networks=["cloud"], referrer=WEBMAIL), *clicks) == "series"


def test_a_reader_who_comes_back_and_clicks_at_once_is_not_hasty() -> None:
    again = [opened(HOUR + 100), clicked(HOUR + 100.5)]

    assert _last(opened(HOUR), *again) == "browser"
    assert _last(*again) == "hasty"


def test_of_two_like_clients_of_one_link_neither_is_accused() -> None:
    assert rules_of(copy(clicked(HOUR), clicked(HOUR + 1, user_agent=FIREFOX, client="other"))) == [
        "browser",
        "browser",
    ]


def test_a_page_that_passes_the_reader_on_does_not_vouch_and_accuses_nobody() -> None:
    passed_on = (*PAGE, ("sec-fetch-mode", "navigate"), ("sec-fetch-site", "cross-site"))

    assert _last(clicked(HOUR, headers=passed_on)) == "browser"


def test_of_a_program_that_asks_without_loading_only_what_it_does_around_then_is_swept_along() -> None:
    asked = clicked(HOUR, method="HEAD")

    assert _last(asked, clicked(HOUR + 59)) == "checked"
    assert _last(asked, clicked(HOUR + 61)) == "browser"
    assert _last(asked, clicked(HOUR + 1, client="elsewhere")) == "browser"


def test_a_reader_whom_gmail_showed_the_mail_may_open_tabs() -> None:
    tabs = [clicked(HOUR + 40 + 0.6 * n, str(n)) for n in range(3)]

    assert _last(opened(HOUR, GMAIL), *tabs) == "browser"
    assert _last(opened(HOUR - 3600, GMAIL), *tabs) == "burst"
    assert _last(opened(3, GMAIL), *tabs) == "burst"
    assert _last(opened(HOUR, GMAIL), *(clicked(HOUR + 40 + n / 2, str(n), networks=["cloud"]) for n in range(3))) == (
        "burst"
    )


def test_every_link_at_random_right_after_delivery_is_a_scanner_s_unless_the_mail_was_open() -> None:
    clicks = [clicked(after, link) for after, link in ((30, "2"), (95, "0"), (101, "3"), (300, "1"))]

    assert _last(*clicks) == "series"
    assert _last(opened(12, OUTLOOK), *clicks) == "browser"
    assert _last(*(clicked(after + 100, link) for after, link in ((30, "2"), (95, "0"), (101, "3"), (300, "1")))) == (
        "browser"
    )


def test_gmail_loading_ahead_and_never_showing_means_unread() -> None:
    assert judge(opened(60, GMAIL_AHEAD)).read is False
