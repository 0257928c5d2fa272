"""Where the checkout lies, and its Python packages."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
"""Where the environment keeps its commands."""
PACKAGES = (
    "hub_ext/sandlot_cli",
    "hub_ext/sandlot_contracts",
    "hub_ext/sandlot_hub",
    "server_ext/sandlot_server",
)
