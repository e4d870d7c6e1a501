"""The OpenAPI description: what every address shares is said once here, so that no view has to repeat it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema as SpectacularSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from dealops.rest.idempotency import HEADER, KeyedWrites

KEY = OpenApiParameter(
    HEADER,
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="Any text of yours, for example a UUID. The same request with the same key is carried out once and answered the same.",
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description='The ETag of the version you saw, for example `"3"`. The field `version` in the body says the same.',
)

PROBLEM = {
    "type": "object",
    "description": "Problem details (RFC 9457). `detail` is a sentence for people; `code` is for programs; `errors` names fields.",
    "required": ["type", "title", "status", "detail", "reference"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "reference": {"type": "string", "description": "Finds this request in the logs and in the audit trail."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
READ_PROBLEMS = {"401": "Sign in first.", "404": "There is nothing at this address."}
WRITE_PROBLEMS = {
    "400": "A field needs another look, or this cannot be done as asked.",
    "401": "Sign in first.",
    "403": "Not allowed for this person or for a token.",
    "404": "There is nothing at this address.",
    "409": "Something changed meanwhile; nothing was written.",
    "412": "The version in If-Match is not the present one; nothing was written.",
    "422": "The Idempotency-Key was used for another request.",
}


class TokenScheme(OpenApiAuthenticationExtension):
    """How programs sign in, for the description and its page."""

    target_class = "dealops.rest.authentication.TokenAuthentication"
    name = "tokenAuth"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`Token dlo_…`; it can never approve."}


class AutoSchema(SpectacularSchema):
    """Adds the headers of writes. A view names its versioned actions in `versioned`."""

    def get_override_parameters(self) -> list[Any]:
        if self.method in {"GET", "HEAD", "OPTIONS"} or not isinstance(self.view, KeyedWrites):
            return []
        return [KEY, IF_MATCH] if getattr(self.view, "action", "") in getattr(self.view, "versioned", ()) else [KEY]


def add_problems(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Postprocessing hook: every operation answers its errors as problem details."""
    result["components"].setdefault("schemas", {})["Problem"] = PROBLEM
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operations in result["paths"].values():
        for method, operation in operations.items():
            for status, words in (READ_PROBLEMS if method == "get" else WRITE_PROBLEMS).items():
                operation["responses"].setdefault(status, {"description": words, "content": content})
    return result
