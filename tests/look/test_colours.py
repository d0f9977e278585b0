"""The colours of base.css are readable in both schemes, by WCAG's own arithmetic."""

import math
import re

import pytest

from .gallery import STATIC

Colour = tuple[float, float, float]
TOKEN = re.compile(r"--([a-z-]+): light-dark\(oklch\(([\d. ]+)\), oklch\(([\d. ]+)\)\);")
GROUNDS = ["ground", "surface", "sunk", "hover", "ours", "note"]
TEXT = [
    *[(ink, ground) for ink in ("ink", "ink-quiet", "accent") for ground in GROUNDS],
    *[(name, f"{name}-soft") for name in ("good", "warn", "bad", "info")],
    *[(name, ground) for name in ("good", "warn", "bad", "info") for ground in ("surface", "ground")],
    *[("ink", f"{name}-soft") for name in ("good", "warn", "bad", "info")],
    ("accent-ink", "accent"),
    ("accent-ink", "accent-hover"),
    ("accent-soft-ink", "accent-soft"),
    ("bad-ink", "bad"),
    ("warn", "note"),
    ("ground", "ink"),
]
SIGNS = [
    *[("line-control", ground) for ground in ("surface", "ground", "sunk", "ours")],
    *[(f"{name}-line", ground) for name in ("good", "warn", "bad") for ground in ("surface", "ours")],
    ("accent", "accent-soft"),
]


def tokens() -> dict[str, tuple[str, str]]:
    """Read each colour's light and dark value from the style sheet."""
    css = (STATIC / "base.css").read_text(encoding="utf-8")
    return {name: (light, dark) for name, light, dark in TOKEN.findall(css)}


def linear(oklch: str) -> Colour:
    """Turn "L C H" into linear sRGB, clipped to what a screen shows. Source: CSS Color 4, Ottosson."""
    lightness, chroma, hue = (float(part) for part in oklch.split())
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short
    return (min(max(red, 0.0), 1.0), min(max(green, 0.0), 1.0), min(max(blue, 0.0), 1.0))


def contrast(first: str, second: str) -> float:
    """Give the contrast ratio of two colours, from 1 to 21. Source: WCAG 2.2, relative luminance."""
    luminances = sorted(
        0.2126 * red + 0.7152 * green + 0.0722 * blue for red, green, blue in (linear(first), linear(second))
    )
    return (luminances[1] + 0.05) / (luminances[0] + 0.05)


def test_the_arithmetic_knows_black_from_white() -> None:
    assert contrast("0 0 0", "1 0 0") == pytest.approx(21, abs=0.01)
    assert contrast("0.5 0.1 200", "0.5 0.1 200") == 1


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "paper"), TEXT, ids=lambda name: name)
def test_text_stands_out_from_its_paper(ink: str, paper: str, scheme: int) -> None:
    assert contrast(tokens()[ink][scheme], tokens()[paper][scheme]) >= 4.5


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("sign", "paper"), SIGNS, ids=lambda name: name)
def test_a_line_that_means_something_stands_out(sign: str, paper: str, scheme: int) -> None:
    assert contrast(tokens()[sign][scheme], tokens()[paper][scheme]) >= 3


def test_no_style_sheet_uses_a_colour_that_is_not_declared() -> None:
    declared = set(re.findall(r"(--[a-z-]+):", (STATIC / "base.css").read_text(encoding="utf-8")))
    used = {name for file in STATIC.glob("*.css") for name in re.findall(r"var\((--[a-z-]+)", file.read_text("utf-8"))}

    assert used - declared == set()
    assert declared - used == set()
