from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from sandlot_contracts.base import StrictWireModel
from sandlot_hub.services.bodies import MAX_BODY, MAX_DEPTH, read_json
from sandlot_hub.services.errors import ProblemError


class Order(StrictWireModel):
    name: str
    count: int = Field(ge=1, strict=True)
    tags: tuple[str, ...] = ()


def request(body: bytes | str, content_type: str = "application/json") -> HTTPServerRequest:
    content = body.encode() if isinstance(body, str) else body
    headers = HTTPHeaders({"Content-Type": content_type}) if content_type else HTTPHeaders()
    line = RequestStartLine("POST", "/", "HTTP/1.1")
    headers["Host"] = "localhost"
    return HTTPServerRequest(start_line=line, headers=headers, body=content)


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=utf-8"])
def test_a_good_body_is_read(content_type: str) -> None:
    order = read_json(request('{"name": "a", "count": 2, "tags": ["x"]}', content_type), Order)
    assert order == Order(name="a", count=2, tags=("x",))


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param("", 400, "body-json", id="empty"),
        pytest.param("{", 400, "body-json", id="half"),
        pytest.param("name=a&count=1", 400, "body-json", id="form"),
        pytest.param(b'{"name": "\xff", "count": 1}', 400, "body-json", id="no-utf8"),
        pytest.param('{"name": "a", "count": NaN}', 400, "body-json", id="nan"),
        pytest.param('{"name": "a", "count": -Infinity}', 400, "body-json", id="infinity"),
        pytest.param('{"name": "a", "name": "b", "count": 1}', 400, "body-json", id="key-twice"),
        pytest.param("[" * 30_000, 400, "body-json", id="nested-beyond-recursion"),
        pytest.param("[" * 17 + "]" * 17, 400, "body-depth", id="nested"),
        pytest.param('{"a":' * 17 + "1" + "}" * 17, 400, "body-depth", id="nested-objects"),
        pytest.param("9" * 10_000, 400, "body-json", id="number-of-10000-digits"),
        pytest.param('"' + "x" * MAX_BODY + '"', 413, "body-too-large", id="too-large"),
        pytest.param("[]", 422, "body-invalid", id="no-object"),
        pytest.param("null", 422, "body-invalid", id="null"),
        pytest.param('{"name": "a"}', 422, "body-invalid", id="missing"),
        pytest.param('{"name": "a", "count": "1"}', 422, "body-invalid", id="text-for-number"),
        pytest.param('{"name": "a", "count": 1, "more": 1}', 422, "body-invalid", id="unknown"),
    ],
)
def test_a_bad_body_is_refused(body: bytes | str, status: int, code: str) -> None:
    with pytest.raises(ProblemError) as caught:
        read_json(request(body), Order)
    assert (caught.value.problem.status, caught.value.problem.code) == (status, code)


def test_the_field_is_named_and_its_value_is_not() -> None:
    with pytest.raises(ProblemError) as caught:
        read_json(request('{"name": "a", "count": 1, "tags": ["x", {"secret": "s3"}]}'), Order)
    problem = caught.value.problem
    assert problem.field == "tags.1"
    assert "s3" not in problem.model_dump_json()


def test_a_field_name_of_the_callers_making_is_shortened() -> None:
    with pytest.raises(ProblemError) as caught:
        read_json(request(json.dumps({"x" * 50_000: 1, "name": "a", "count": 1})), Order)
    assert len(caught.value.problem.model_dump_json()) < 1000


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_another_content_type_is_refused(content_type: str) -> None:
    with pytest.raises(ProblemError) as caught:
        read_json(request('{"name": "a", "count": 1}', content_type), Order)
    assert (caught.value.problem.status, caught.value.problem.code) == (415, "body-type")


def test_the_deepest_that_is_allowed() -> None:
    deep = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    with pytest.raises(ProblemError) as caught:
        read_json(request(deep), Order)
    assert caught.value.problem.code == "body-invalid"


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_nothing_but_a_refusal_comes_of_nonsense(body: bytes) -> None:
    with pytest.raises(ProblemError) as caught:
        read_json(request(body), Order)
    assert caught.value.problem.status in {400, 413, 422}
