"""A picture from outside made anew, so that nothing of the file that came reaches a browser. Blocking: use a thread."""

from __future__ import annotations

import io
import warnings

from PIL import Image, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
"""What is read; their decoders are the ones that mail programs use all day."""
MOST_PIXELS = 25_000_000
LONGEST_SIDE = 2000
"""Pixels; larger pictures are made smaller."""
JPEG_QUALITY = 85


class NoPicture(ValueError):
    """What came is no picture that can be shown; in words."""


def reencoded(data: bytes) -> tuple[bytes, str]:
    """The first frame of a picture as PNG, or as JPEG where it came as that, and its content type. Raises NoPicture."""
    try:
        with warnings.catch_warnings():
            # Pillow only warns below twice its own limit.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                width, height = image.size
                if width * height > MOST_PIXELS:
                    raise NoPicture(f"has {width} × {height} pixels, more than {MOST_PIXELS:,} in all")
                is_jpeg = image.format == "JPEG"
                image.seek(0)
                shown = image.convert("RGB" if is_jpeg else "RGBA")
    except NoPicture:
        raise
    except (UnidentifiedImageError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise NoPicture(f"is no picture of the kinds {', '.join(FORMATS)}, or too large") from error
    except Exception as error:
        # A decoder that stumbles over a damaged file raises whatever it likes: OSError, SyntaxError, struct.error, ...
        raise NoPicture(f"is damaged ({type(error).__name__})") from error
    shown.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    out = io.BytesIO()
    if is_jpeg:
        shown.save(out, "JPEG", quality=JPEG_QUALITY)
        return out.getvalue(), "image/jpeg"
    shown.save(out, "PNG")
    return out.getvalue(), "image/png"
