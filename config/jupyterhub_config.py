# The hub's configuration: the file that an administrator edits.
#
# `make run` and `sandlot up --config config/jupyterhub_config.py` load it. Every option of
# JupyterHub can be set here (https://jupyterhub.readthedocs.io); `jupyterhub --help-all`
# lists them. People's images, sizes and profiles are in settings.yaml beside this file.
#
# After a change: `sandlot restart hub`. Servers that run keep running; when something is
# wrong, the old hub keeps running, too.

from pathlib import Path

from sandlot_hub import install

c = get_config()

# For example, at most 20 people starting a server at the same time:
# c.JupyterHub.concurrent_spawn_limit = 20

# Last, so that it sees everything above. It checks the settings, adds what Sandlot needs to
# the configuration, and says in the hub's log which options it touched.
install(c, Path(__file__).with_name("settings.yaml"))
