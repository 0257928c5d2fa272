"""What an administrator's options of KubeSpawner say about where every server can be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from traitlets.config.loader import LazyConfigValue

from sandlot_hub.domain.capacity.pod_requests import ContainerAmounts, pod_amounts
from sandlot_hub.domain.capacity.size_demand import Toleration
from sandlot_hub.domain.values.quantities import read_amount

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .editor import ConfigEditor


class KubeOptions:
    """Options of the spawner that are plain values; what is called at a start is not known here.

    Parameters
    ----------
    editor
        The configuration.
    sections
        Sections of ``c`` that the spawner reads, the most specific first.
    """

    def __init__(self, editor: ConfigEditor, sections: tuple[str, ...]) -> None:
        self._editor = editor
        self._sections = sections

    def option(self, key: str) -> Any:
        """Return what was set; None when nothing was."""
        section = next((name for name in self._sections if self._editor.has(name, key)), "")
        found = self._editor.get(section, key) if section else None
        if not isinstance(found, LazyConfigValue):
            return found
        # What was added to a default, which is empty for all that is asked here.
        added = found.get_value([]) if found.to_dict().keys() - {"update"} else None
        return found.get_value({}) if added is None else added

    def node_selector(self) -> dict[str, str]:
        """Return the labels of the nodes for all servers."""
        return {str(key): str(value) for key, value in self._mapping("node_selector").items()}

    def tolerations(self) -> tuple[Toleration, ...]:
        """Return the taints that keep no server off."""
        return tuple(
            Toleration(
                key=str(each.get("key") or ""),
                # As the API server reads one that says nothing else.
                operator=str(each.get("operator") or "Equal"),
                value=str(each.get("value") or ""),
                effect=str(each.get("effect") or ""),
            )
            for each in self._mappings("tolerations")
        )

    def beside(self) -> dict[str, int]:
        """Return what each server takes of a node beside its size, in the units of records."""
        own = ContainerAmounts(
            requests=_read(self._mapping("extra_resource_guarantees")),
            limits=_read(self._mapping("extra_resource_limits")),
        )
        others = (
            ContainerAmounts(requests=_part(each, "requests"), limits=_part(each, "limits"))
            for each in self._mappings("extra_containers")
        )
        return pod_amounts([own, *others]).known

    def _mapping(self, key: str) -> Mapping[str, Any]:
        found = self.option(key)
        return found if isinstance(found, dict) else {}

    def _mappings(self, key: str) -> Iterator[Mapping[str, Any]]:
        found = self.option(key)
        if isinstance(found, dict):  # KubeSpawner takes a mapping, too, in the order of its keys
            found = [found[name] for name in sorted(found)]
        if isinstance(found, list | tuple):
            yield from (each for each in found if isinstance(each, dict))


def _read(quantities: Mapping[str, Any]) -> dict[str, int | None]:
    return {name: read_amount(name, each, up=True) for name, each in quantities.items()}


def _part(container: Mapping[str, Any], kind: str) -> dict[str, int | None]:
    resources = container.get("resources")
    found = resources.get(kind) if isinstance(resources, dict) else None
    return _read(found) if isinstance(found, dict) else {}
