"""What the resources of the HTTP API have in common; /api/openapi.json is made of this and of each one's own models."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

MAX_ID = 2**31 - 1
MAX_COPY_ID = 2**63 - 1
MAX_LIMIT = 100

Status = Literal["open", "pending", "closed"]


class Given(BaseModel):
    """A body or query string: unknown fields are refused, and JSON types are taken as they are."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Answer(BaseModel):
    """Part of an answer."""

    model_config = ConfigDict(frozen=True)


class FileAnswer:
    """An answer that is no JSON but a file."""

    media_type: ClassVar[str]


class ErrorDetail(Answer):
    """What was refused."""

    code: int = Field(description="The HTTP status.")
    message: str = Field(description="What is wrong, by which rule, and the way out.")
    fields: dict[str, str] | None = Field(None, description="Field of the request → what is wrong with it.")


class ErrorBody(Answer):
    """The request was refused; nothing was changed."""

    error: ErrorDetail


class Person(Answer):
    """An agent."""

    id: int
    name: str


class NamedDepartment(Answer):
    """The department that answers a ticket."""

    id: int
    name: str


class Badge(Answer):
    """What is known of a reply's mail, in one word and as people read it."""

    state: str = Field(
        description="queued, sending, sent, delivered, machine, read, replied, bounced, failed, complained, unknown "
        "or untracked."
    )
    word: str
    at: AwareDatetime | None
