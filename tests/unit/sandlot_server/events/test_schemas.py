from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from jupyter_events import EventLogger

from sandlot_contracts.clusters import ClustersChanged
from sandlot_contracts.session import Usage
from sandlot_server import events

if TYPE_CHECKING:
    from pydantic import BaseModel

TYPES: dict[str, type[BaseModel]] = {events.CLUSTERS: ClustersChanged, events.USAGE: Usage}


def load(path: Any) -> dict[str, Any]:
    schema: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return schema


@pytest.mark.parametrize("path", events.SCHEMAS, ids=lambda path: path.stem)
def test_a_schema_says_what_its_wire_type_says(path: Any) -> None:
    schema = load(path)
    wire = TYPES[schema["$id"]].model_json_schema(mode="serialization")
    keys = ("type", "minimum", "description")

    assert schema["required"] == wire["required"]
    assert {
        name: {key: field[key] for key in keys if key in field}
        for name, field in schema["properties"].items()
    } == {
        name: {key: field[key] for key in keys if key in field}
        for name, field in wire["properties"].items()
    }


def test_every_schema_is_registered_under_its_name() -> None:
    logger = EventLogger()
    events.register(logger)

    assert set(TYPES) <= set(logger.schemas.schema_ids)
    assert {load(path)["$id"] for path in events.SCHEMAS} == set(TYPES)
    assert {path.name for path in events.SCHEMAS} == {
        path.name for path in events.SCHEMAS[0].parent.glob("*.yaml")
    }
