"""What a page sends, parsed: bounded, exact in type, refused with the field's name."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from .errors import BodyError, BodyInvalidError

M = TypeVar("M", bound=BaseModel)

_MAX_BYTES = 64 * 1024
_MAX_FIELD = 200


def parse_body(body: bytes, model: type[M]) -> M:
    """Return `body` as `model`.

    Raises
    ------
    BodyError
        If it is not JSON, or too long.
    BodyInvalidError
        If a field is unknown or wrong.
    """
    if len(body) > _MAX_BYTES:
        detail = f"The body is longer than {_MAX_BYTES} bytes. Nothing was changed."
        raise BodyError(detail)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        if first["type"] == "json_invalid":
            detail = "The body is not JSON. Nothing was changed."
            raise BodyError(detail) from error
        field = ".".join(map(str, first["loc"]))[:_MAX_FIELD]
        detail = f"{field or 'The body'}: {first['msg']}. Nothing was changed."
        raise BodyInvalidError(detail, field=field or None) from error
