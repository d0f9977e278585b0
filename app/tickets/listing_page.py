"""The ticket list as the page draws it: tabs, chips, links and the words of an empty list. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from app.tickets import listing_rules as rules
from app.tickets.listing_models import TicketPage
from app.tickets.listing_rules import NOBODY, TicketQuery
from app.tickets.rules import PRIORITIES, STATUSES
from app.words import MAX_NEEDLES, needles, words_of

PATH = "/tickets"

_DIRECTIONS = {
    "activity": ("newest first", "oldest first"),
    "created": ("newest first", "oldest first"),
    "priority": ("most urgent first", "least urgent first"),
    "due": ("last or none first", "first to come first"),
    "read": ("newest first", "never or longest ago first"),
}
_STATUSES_OF_VIEW = {"closed": ("closed",), "all": tuple(STATUSES)}


@dataclass(frozen=True)
class Link:
    """A choice that leads to another list."""

    label: str
    href: str
    active: bool = False
    count: str | None = None


@dataclass(frozen=True)
class Menu:
    """A chip with a menu of choices."""

    id: str
    label: str
    options: tuple[Link, ...]
    value: str = ""
    """The label of what is chosen, empty where nothing is."""


@dataclass(frozen=True)
class Empty:
    """Why there is nothing to see, and what to do."""

    title: str
    words: str
    action_href: str = ""
    action_label: str = ""


@dataclass(frozen=True)
class ListPage:
    """Everything that templates/tickets/list.html shows."""

    title: str
    page: TicketPage
    tabs: tuple[Link, ...]
    menus: tuple[Menu, ...]
    order: Menu
    chips: tuple[Link, ...]
    """What narrows the list; each leads to the list without it."""
    previous: str
    next: str
    words: str
    """How much of the list this is."""
    note: str
    """What the reader should know about a search."""
    by_reading: bool
    """Sorted by when the last reply was read: each line says when that was in place of the last activity."""
    empty: Empty | None
    """Set where there are no tickets to show."""


def build(
    query: TicketQuery,
    page: TicketPage,
    *,
    counts: Mapping[str, str],
    agents: Mapping[int, str],
    receipts: Mapping[str, str],
    tags: Sequence[str] = (),
    problem: str = "",
) -> ListPage:
    """Draw one page.

    counts: of views in words, where known. agents: names by id. receipts: what `query.receipt` may be, with its words.
    tags: those offered to narrow the list. problem: why the list could not be made; there is no page then.
    """
    return ListPage(
        title=_title(query) if not problem else "Tickets",
        page=page,
        tabs=_tabs(query, {} if query.is_filtered else counts),
        menus=_menus(query, agents, receipts, tags),
        order=_order(query),
        chips=_chips(query, agents, receipts),
        previous=_href(query, before=page.previous) if page.previous else "",
        next=_href(query, after=page.next) if page.next else "",
        words=_extent(query, page, counts),
        note=_note(query, page),
        by_reading=query.ordered_by == "read",
        empty=_problem(query, problem) if problem else _empty(query) if not page.rows else None,
    )


def _title(query: TicketQuery) -> str:
    return f"Search: {query.words.strip()}" if query.words else f"{rules.VIEWS[query.view]} tickets"


def _href(query: TicketQuery, **cursor: str) -> str:
    arguments = {**query.first_page().arguments(), **cursor}
    return f"{PATH}?{urlencode(arguments)}" if arguments else PATH


def _tabs(query: TicketQuery, counts: Mapping[str, str]) -> tuple[Link, ...]:
    """Views keep search and order; a filter that the view answers itself goes."""
    links = []
    for view, label in rules.VIEWS.items():
        fits = query.status is None or query.status in _statuses_of(view)
        sort, descending = query.sort, query.descending
        if (sort, descending) == _default_order(query.view):
            sort, descending = _default_order(view)
        other = query.first_page(
            view=view,
            sort=sort,
            descending=descending,
            status=query.status if fits else None,
            assignee=None if view in {"mine", "unassigned"} else query.assignee,
        )
        links.append(Link(label, _href(other), view == query.view, counts.get(view)))
    return tuple(links)


def _default_order(view: str) -> tuple[str, bool]:
    sort = rules.default_sort(view)
    return sort, rules.descends(sort)


def _statuses_of(view: str) -> tuple[str, ...]:
    return _STATUSES_OF_VIEW.get(view, ("open", "pending"))


def _menus(
    query: TicketQuery, agents: Mapping[int, str], receipts: Mapping[str, str], tags: Sequence[str]
) -> tuple[Menu, ...]:
    """Filters that are not set yet and would narrow this view; what is set is a chip."""
    menus = []
    statuses = _statuses_of(query.view)
    if query.status is None and len(statuses) > 1:
        options = [Link(STATUSES[one], _href(query.first_page(status=one))) for one in statuses]
        menus.append(Menu("by-status", "Status", tuple(options)))
    if query.priority is None:
        options = [Link(PRIORITIES[one], _href(query.first_page(priority=one))) for one in reversed(PRIORITIES)]
        menus.append(Menu("by-priority", "Priority", tuple(options)))
    if query.assignee is None and query.view not in {"mine", "unassigned"}:
        names = {
            query.user_id: "Me",
            NOBODY: "Nobody",
            **{key: name for key, name in agents.items() if key != query.user_id},
        }
        options = [Link(name, _href(query.first_page(assignee=one))) for one, name in names.items()]
        menus.append(Menu("by-assignee", "Assignee", tuple(options)))
    if query.receipt is None:
        options = [Link(label, _href(query.first_page(receipt=one))) for one, label in receipts.items()]
        menus.append(Menu("by-receipt", "Last reply", tuple(options)))
    if not query.waiting and query.view != "closed":
        menus.append(Menu("by-waiting", "Waiting", (Link("Waiting for us", _href(query.first_page(waiting=True))),)))
    if query.tag is None and tags:
        menus.append(Menu("by-tag", "Tag", tuple(Link(one, _href(query.first_page(tag=one))) for one in tags)))
    return tuple(menus)


def _order(query: TicketQuery) -> Menu:
    options = [
        Link(
            f"{label}, {words}",
            _href(query.first_page(sort=sort, descending=descending)),
            (sort, descending) == (query.sort, query.descending),
        )
        for sort, label in rules.SORTS.items()
        for descending, words in zip((True, False), _DIRECTIONS[sort], strict=True)
    ]
    chosen = next(option.label for option in options if option.active)
    return Menu("by-order", chosen, tuple(options))


def _chips(query: TicketQuery, agents: Mapping[int, str], receipts: Mapping[str, str]) -> tuple[Link, ...]:
    chips = []
    if query.words:
        chips.append(Link(f"Search: {query.words.strip()}", _href(query.first_page(words="", view=query.view))))
    if query.status:
        chips.append(Link(f"Status: {STATUSES[query.status]}", _href(query.first_page(status=None))))
    if query.priority:
        chips.append(Link(f"Priority: {PRIORITIES[query.priority]}", _href(query.first_page(priority=None))))
    if query.assignee is not None:
        names = {NOBODY: "Nobody", **agents, query.user_id: "Me"}
        name = names.get(query.assignee, f"user {query.assignee}, who cannot have tickets")
        chips.append(Link(f"Assignee: {name}", _href(query.first_page(assignee=None))))
    if query.receipt:
        label = receipts.get(query.receipt, f"{query.receipt}, which no module reports now")
        chips.append(Link(f"Last reply: {label}", _href(query.first_page(receipt=None))))
    if query.tag:
        chips.append(Link(f"Tag: {query.tag}", _href(query.first_page(tag=None))))
    if query.waiting:
        chips.append(Link("Waiting for us", _href(query.first_page(waiting=False))))
    return tuple(chips)


def _extent(query: TicketQuery, page: TicketPage, counts: Mapping[str, str]) -> str:
    if not (page.previous or page.next):
        return f"{len(page.rows)} found" if page.rows and query.is_filtered else ""
    total = None if query.is_filtered else counts.get(query.view)
    return f"{len(page.rows)} of {total} tickets" if total else f"{len(page.rows)} tickets on this page"


def _note(query: TicketQuery, page: TicketPage) -> str:
    notes = []
    if page.capped:
        notes.append(
            f"More than {page.capped:,} tickets have the rarest of these words; only the {page.capped:,} newest "
            "were looked at. Add a word to see older ones."
        )
    if len(words_of(query.words)) > MAX_NEEDLES:
        notes.append(f"Only the first {MAX_NEEDLES} words are searched for.")
    return " ".join(notes)


def _problem(query: TicketQuery, words: str) -> Empty:
    title = "This search takes too long" if query.words else "There is no such list"
    return Empty(title, words, PATH, "See open tickets")


def _empty(query: TicketQuery) -> Empty:
    first = query.first_page()
    if query.after or query.before:
        return Empty(
            "Nothing here any more", "The tickets of this page have moved.", _href(first), "Go to the first page"
        )
    if query.words:
        return _nothing_found(query)
    if query.is_filtered:
        plain = first.first_page(status=None, priority=None, assignee=None, receipt=None, tag=None, waiting=False)
        words = "No ticket of this view passes the filters. Remove one, or look at another view."
        return Empty("No tickets match", words, _href(plain), "Remove all filters")
    return {
        "mine": Empty(
            "Nothing is assigned to you",
            "Tickets that you take, or that somebody gives you, are here until they are closed.",
            _href(first.first_page(view="unassigned")),
            "See unassigned tickets",
        ),
        "unassigned": Empty("Every open ticket has an owner", "New tickets are here until somebody takes them."),
        "open": Empty(
            "All done", "No ticket is open. New ones come by email, or you write one.", f"{PATH}/new", "New ticket"
        ),
        "overdue": Empty(
            "Nothing is overdue",
            "A ticket is here once its due date is over, until it is closed. Due dates are set on a ticket's page.",
        ),
        "snoozed": Empty(
            "Nothing is snoozed",
            "A ticket that is snoozed on its page is here until its time, or until the customer writes.",
        ),
        "all": Empty(
            "No tickets yet", "Tickets come by email, or you write one for a customer.", f"{PATH}/new", "New ticket"
        ),
        "closed": Empty("Nothing is closed yet", "Tickets are here once you close them; they open again by an answer."),
    }[query.view]


def _nothing_found(query: TicketQuery) -> Empty:
    if not needles(query.words):
        return Empty(
            "Nothing to search for", "A search needs a letter or a digit, for example a name or an order number."
        )
    words = (
        "Every word has to be in the ticket: in its subject, its messages, or its contact's name or address. "
        "Only the word typed last may be unfinished."
    )
    everywhere = TicketQuery(user_id=query.user_id, view="all", words=query.words)
    if everywhere == query.first_page(sort="activity", descending=True):
        return Empty("Nothing found", words)
    return Empty("Nothing found here", words, _href(everywhere), "Search all tickets")
