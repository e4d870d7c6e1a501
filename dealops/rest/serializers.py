"""Input that is taken as it is meant or not at all: unknown fields and numbers that are not text are refused (F75, F87)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

_DECIMAL = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")


class StrictSerializer(serializers.Serializer):
    """Refuses every field it does not know, by name."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = [str(name)[:60] for name in data if name not in self.fields]
            if unknown:
                known = ", ".join(name for name, field in self.fields.items() if not field.read_only) or "none"
                raise serializers.ValidationError({name: [f"This field is not known here. Known: {known}."] for name in unknown})
        return super().to_internal_value(data)


class Nothing(StrictSerializer):
    """A request without a body."""


@extend_schema_field({"type": "string", "format": "decimal", "example": "25"})
class DecimalText(serializers.Field):
    """A decimal written as text. A JSON number is refused: what a sender's language did to it on the way cannot be seen here (F75)."""

    default_error_messages = {
        "number": "Send the number as text, for example “25”.",
        "invalid": "“{value}” is not a number. Write it as text, for example “25” or “49.99”.",
    }

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("number")
        if not _DECIMAL.fullmatch(data):
            self.fail("invalid", value=data[:40])
        return str(data)

    def to_representation(self, value: Any) -> str:
        return str(value)


@extend_schema_field({"type": "string", "format": "date", "example": "2026-06-16"})
class DateText(serializers.Field):
    """A day as text that stays text, for input that is kept as it was sent."""

    default_error_messages = {"invalid": "“{value}” is not a date; write it as 2026-06-16."}

    def to_internal_value(self, data: Any) -> str:
        try:
            serializers.DateField().run_validation(data)
        except serializers.ValidationError:
            self.fail("invalid", value=str(data)[:40])
        return str(data)

    def to_representation(self, value: Any) -> str:
        return str(value)


class WholeNumber(serializers.IntegerField):
    """A count such as a version: a JSON integer, never a float, a text or true."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return int(super().to_internal_value(data))
