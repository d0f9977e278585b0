"""Bodies read without trusting them: JSON, and the forms that two providers still send."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any, NoReturn

from werkzeug.exceptions import HTTPException
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from plugins.delivery.errors import Refused
from plugins.delivery.verification.incoming import Incoming

FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}
MOST_FIELDS = 200
MOST_MEMBERS = 20_000


def parse(incoming: Incoming) -> Any:
    """The body as its content type says. Raises Refused."""
    if incoming.content_type in FORMS:
        return _form(incoming)
    try:
        return loads(incoming.body.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Refused(400, "The body must be UTF-8.") from None


def loads(text: str) -> Any:
    """JSON without NaN. Raises Refused, also for what is nested so deeply that it cannot be read."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise Refused(400, "The body is nested too deeply.") from None
    except ValueError:
        raise Refused(400, "The body must be JSON, and it is not.") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _form(incoming: Incoming) -> dict[str, Any]:
    """The fields of a form; of one that comes several times the first. Files are left out."""
    mimetype, options = parse_options_header(incoming.headers.get("content-type", ""))
    parser = FormDataParser(max_form_parts=MOST_FIELDS, max_form_memory_size=1_000_000, silent=False)
    try:
        _, form, _ = parser.parse(BytesIO(incoming.body), mimetype, len(incoming.body), options)
    except (ValueError, HTTPException):
        raise Refused(400, f"The form cannot be read, or has more than {MOST_FIELDS} fields.") from None
    return dict(form.items())
