"""``python -m sandlot_hub.services.dask_gateway.kube_server``: the gateway in a cluster."""

from __future__ import annotations

import os
import sys
from functools import partial

from sandlot_contracts.exits import ExitCode
from sandlot_hub.adapters.cluster_access import ClusterAccessError
from sandlot_hub.adapters.service_config import ServiceConfigError
from sandlot_hub.adapters.settings_file import SettingsError
from sandlot_hub.services.process import run_configured

from .kube_app import kube_application
from .kube_config import read_gateway


def main() -> int:
    """Run it until it is told to stop, and return its exit code."""
    try:
        config, settings, place = read_gateway(os.environ)
    except (ServiceConfigError, SettingsError) as error:
        sys.stderr.write(f"{error}\n")
        return ExitCode.SETTINGS
    try:
        return run_configured(
            partial(kube_application, place=place),
            config=config,
            settings=settings,
            secrets=(place.proxy_token,),
        )
    except ClusterAccessError as error:
        sys.stderr.write(f"{error}\n")
        return ExitCode.FAILURE


if __name__ == "__main__":
    sys.exit(main())
