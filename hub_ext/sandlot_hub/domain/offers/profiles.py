"""Profiles: who sees what (`visible`) and what a request starts (`resolve`)."""

from __future__ import annotations

from sandlot_hub.domain.choices.resolution import resolve, resolve_start

from .shown import VisibleChoice, VisibleProfile
from .visibility import visible

__all__ = ["VisibleChoice", "VisibleProfile", "resolve", "resolve_start", "visible"]
