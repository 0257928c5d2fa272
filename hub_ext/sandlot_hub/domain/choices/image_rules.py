"""Which container images people may name themselves: each part is matched in full.

In a pattern ``*`` stands for any text within one part of a path, and ``**`` for one
or more whole parts. Nothing else is special. Matching takes time proportional to
the lengths of pattern and text, whatever they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sandlot_hub.domain.settings.model import ImageRule
    from sandlot_hub.domain.values.image_reference import ImageReference

_ANY = "*"
_PARTS = "**"


def is_permitted(reference: ImageReference, rules: Sequence[ImageRule]) -> bool:
    """Return whether one of the rules permits an image."""
    return any(_permits(rule, reference) for rule in rules)


def describe_rule(rule: ImageRule) -> str:
    """Return a rule as people read it: ``quay.io/our-lab/*:2026-*``."""
    tag = "" if rule.tag == _ANY else f":{rule.tag}"
    digest = {"optional": "", "required": "@sha256:…"}.get(rule.digest, f"@{rule.digest}")
    return f"{rule.registry}/{rule.repository}{tag}{digest}"


def _permits(rule: ImageRule, reference: ImageReference) -> bool:
    return (
        _matches_registry(rule.registry, reference.registry)
        and _matches_path(rule.repository, reference.repository)
        and _matches_version(rule, reference)
    )


def _matches_registry(pattern: str, registry: str) -> bool:
    if not pattern.startswith("*."):
        return pattern == registry
    label, dot, rest = registry.partition(".")
    return bool(label and dot) and rest == pattern.removeprefix("*.")


def _matches_path(pattern: str, path: str) -> bool:
    parts: list[str] = []
    for part in pattern.split("/"):
        # One part at least, and any number after it.
        parts += [_ANY, _PARTS] if part == _PARTS else [part]
    return _matches(parts, path.split("/"), _PARTS, _matches_text)


def _matches_version(rule: ImageRule, reference: ImageReference) -> bool:
    if reference.tag is not None and not _matches_text(rule.tag, reference.tag):
        return False
    if reference.digest is None:
        return rule.digest == "optional"
    if rule.digest == "optional":
        # A digest decides what is run, so it would get past a rule about tags.
        return rule.tag == _ANY
    return rule.digest in {"required", reference.digest}


def _matches_text(pattern: str, text: str) -> bool:
    return _matches(pattern, text, _ANY, str.__eq__)


def _matches(
    pattern: Sequence[str], items: Sequence[str], many: str, one: Callable[[str, str], bool]
) -> bool:
    """Return whether all of `items` match; `many` in the pattern stands for any number of them.

    Only the last `many` is ever tried again: what the earlier ones took does not matter.
    """
    here = there = 0
    again: tuple[int, int] | None = None
    while there < len(items):
        if here < len(pattern) and pattern[here] == many:
            here += 1
            again = (here, there)
        elif here < len(pattern) and one(pattern[here], items[there]):
            here, there = here + 1, there + 1
        elif again is not None:
            again = (again[0], again[1] + 1)
            here, there = again
        else:
            return False
    return all(rest == many for rest in pattern[here:])
