"""Random markup that no person would write and every attacker would."""

from collections.abc import Sequence

from hypothesis import strategies as st


def soup(elements: str, pieces: Sequence[str], *, max_size: int) -> st.SearchStrategy[str]:
    """Make strings of at most max_size pieces: the start and end tags of elements, and the other pieces."""
    tags = [tag for name in elements.split() for tag in (f"<{name}>", f"</{name}>")]
    return st.lists(st.sampled_from([*tags, *pieces]), max_size=max_size).map("".join)
