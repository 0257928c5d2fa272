"""``python -m sandlot_hub.services.dask_gateway --config FILE``."""

from __future__ import annotations

import sys

from sandlot_hub.services.process import run

from .app import NAME, dask_application

if __name__ == "__main__":
    sys.exit(run(dask_application, name=NAME))
