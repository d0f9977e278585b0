"""For plugins with endpoints below /api: bodies checked by models, answers and refusals as the portal's own.

Make the blueprint with `url_prefix="/api/..."`, call `install(blueprint)`, and name each answer by
`@document_response(Model)` (of quart-schema): what says so is in /api/openapi.json.
"""

from app.api.answers import answer
from app.api.errors import Refused, install, refusal
from app.api.models import Answer, Given
from app.api.requests import asks, takes

__all__ = ["Answer", "Given", "Refused", "answer", "asks", "install", "refusal", "takes"]
