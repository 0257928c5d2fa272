"""``python -m sandlot_hub.services.offers --config FILE``."""

from __future__ import annotations

import sys

from sandlot_hub.services.process import run

from .app import NAME, offers_application

if __name__ == "__main__":
    sys.exit(run(offers_application, name=NAME))
