"""A ticket's page as its customer uses it."""

from __future__ import annotations

from tests.customer.conftest import ANN, BOB, Story, Visitor


async def test_the_right_address_shows_what_is_theirs_and_nothing_else(story: Story, visitor: Visitor) -> None:
    answer = await visitor.enter(story.path(), "BOB@Example.org ")
    assert answer.status_code == 303
    html = await visitor.text(story.path())
    assert "Printer on fire" in html
    assert html.index("It burns.") < html.index("Pull the <b>plug</b>")
    for hidden in ("He smokes", "Ann, call him", ANN, "gus@portal.test"):
        assert hidden not in html
