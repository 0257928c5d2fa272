"""Reads what the cluster autoscaler says of its node groups, in the ConfigMap that it keeps.

From 1.30 on that is YAML, before it was a text for people; managed ones (GKE, AKS) write the same.
Its format is promised by nobody: whatever is not as it was says nothing.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from sandlot_hub.domain.capacity.node_groups import NodeGroup

from .yaml_document import MAXIMUM_BYTES, DocumentError, parse_document

if TYPE_CHECKING:
    from collections.abc import Iterator

STALE_S = 900.0
"""It is written every ten seconds; one that has not been at work for ten minutes counts as dead by
its own measure (``--max-inactivity``)."""
_MOST_NODES = 1_000_000
_TIME = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.\d{1,9})? ([+-]\d{4})\b")
_TEXT_BEGINS = "Cluster-autoscaler status at "
_LINE = re.compile(r"\s*(Name|Health|ScaleUp):\s+(\S+)(.*)")
_NODES = re.compile(r"\bregistered=(\d{1,7})\b")
_MOST = re.compile(r"\bmaxSize=(\d{1,7})\b")
_UNHEALTHY = "Unhealthy"
_BACKOFF = "Backoff"
"""Adding a node has failed, and is not tried for a while."""


class _ConfigMap(msgspec.Struct):
    data: dict[str, str] | None = None


def read_node_groups(body: bytes, *, now: datetime) -> tuple[NodeGroup, ...] | None:
    """Return the node groups; None when nothing that can be read says it, or nothing that is new.

    Parameters
    ----------
    body
        The ConfigMap, as the API server writes it.
    now
        What is much older than that is not believed.
    """
    try:
        found = msgspec.json.decode(body, type=_ConfigMap)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    status = (found.data or {}).get("status", "")
    if len(status) > MAXIMUM_BYTES:
        return None
    if status.startswith(_TEXT_BEGINS):
        first, _, rest = status.partition("\n")
        return tuple(_text_groups(rest)) if _is_new(first, now) else None
    return _yaml_groups(status, now)


def _is_new(written: object, now: datetime) -> bool:
    found = _TIME.search(written) if isinstance(written, str) else None
    if found is None:
        return False
    try:
        moment = datetime.strptime(f"{found[1]} {found[2]}", "%Y-%m-%d %H:%M:%S %z")
    except ValueError:  # the thirtieth of February
        return False
    return (now - moment).total_seconds() <= STALE_S


def _yaml_groups(status: str, now: datetime) -> tuple[NodeGroup, ...] | None:
    try:
        document = parse_document(status).data
    except DocumentError:
        return None
    if not _is_new(_at(document, "time"), now) or _at(document, "autoscalerStatus") != "Running":
        return None
    well = _at(document, "clusterWide", "health", "status") != _UNHEALTHY
    groups = _at(document, "nodeGroups")
    found = (_yaml_group(each, well=well) for each in (groups if isinstance(groups, list) else ()))
    return tuple(each for each in found if each is not None)


def _yaml_group(group: object, *, well: bool) -> NodeGroup | None:
    name, most = _at(group, "name"), _count(_at(group, "health", "maxSize"))
    nodes = _count(_at(group, "health", "nodeCounts", "registered", "total"))
    if not isinstance(name, str) or most is None or nodes is None:
        return None
    failing = _at(group, "scaleUp", "status") == _BACKOFF
    sick = _at(group, "health", "status") == _UNHEALTHY
    return NodeGroup(name, nodes, most, grows=well and not failing and not sick)


def _at(value: object, *keys: str) -> object:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _count(value: object) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MOST_NODES:
        return None
    return value


def _text_groups(text: str) -> Iterator[NodeGroup]:
    wide, _, rest = text.partition("NodeGroups:")
    well = all(word != _UNHEALTHY for what, word, _ in _LINE.findall(wide) if what == "Health")
    found: NodeGroup | None = None
    name = ""
    for what, word, more in map(_line, rest.splitlines()):
        if what == "Name":
            if found is not None:
                yield found
            name, found = word, None
        elif what == "Health" and name:
            nodes, most = _NODES.search(more), _MOST.search(more)
            if nodes is not None and most is not None:
                grows = well and word != _UNHEALTHY
                found = NodeGroup(name, int(nodes[1]), int(most[1]), grows=grows)
        elif what == "ScaleUp" and word == _BACKOFF and found is not None:
            found = found._replace(grows=False)
    if found is not None:
        yield found


def _line(line: str) -> tuple[str, str, str]:
    found = _LINE.match(line)
    return ("", "", "") if found is None else (found[1], found[2], found[3])
