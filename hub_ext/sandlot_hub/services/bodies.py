"""Reading JSON bodies: bounded in size and depth, exact in type, refused with the field's name."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from .errors import ProblemError, build_problem

if TYPE_CHECKING:
    from tornado.httputil import HTTPServerRequest

MAX_BODY = 64 * 1024
"""Bytes of one JSON body."""
MAX_DEPTH = 16
"""Levels of nesting; nothing that services take comes near."""

ModelT = TypeVar("ModelT", bound=BaseModel)


def read_json(request: HTTPServerRequest, model: type[ModelT]) -> ModelT:
    """Return the body as `model`.

    Raises
    ------
    ProblemError
        415 for another content type, 413 for a body that is too long, 400 for text that is not
        strict JSON, is nested too deep or repeats a key, and 422 for a field that is wrong.
    """
    content_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        _refuse(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "body-type", "The body must be application/json."
        )
    if len(request.body) > MAX_BODY:
        _refuse(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "body-too-large",
            f"The body is longer than {MAX_BODY} bytes.",
        )
    try:
        return model.model_validate(_parse(request.body))
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False, include_context=False)[0]
        field = ".".join(map(str, problem["loc"]))[:200] or None
        _refuse(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "body-invalid",
            f"The body is not what this takes: {problem['msg']}.",
            field=field,
        )


def _parse(body: bytes) -> Any:
    try:
        document = json.loads(
            body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        _refuse(HTTPStatus.BAD_REQUEST, "body-json", "The body is not strict JSON in UTF-8.")
    if _deeper_than(document, MAX_DEPTH):
        _refuse(
            HTTPStatus.BAD_REQUEST,
            "body-depth",
            f"The body is nested deeper than {MAX_DEPTH} levels.",
        )
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Two readers that disagree on which of two equal keys counts are a way around a check.
    document = dict(pairs)
    if len(document) != len(pairs):
        message = "a key is repeated"
        raise ValueError(message)
    return document


def _no_constant(name: str) -> NoReturn:
    message = f"{name} is not JSON"
    raise ValueError(message)


def _deeper_than(document: Any, levels: int) -> bool:
    level = [document]
    for _ in range(levels):
        level = [
            child
            for parent in level
            if isinstance(parent, (dict, list))
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
        if not level:
            return False
    return True


def _refuse(status: int, code: str, detail: str, *, field: str | None = None) -> NoReturn:
    raise ProblemError(build_problem(status, code, detail, field=field))
