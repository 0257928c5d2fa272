"""What `install` writes into JupyterHub's configuration, by topic.

Only the parts of `install` live here: choosing the settings, editing ``c`` by the
precedence of docs/architecture.md, and the keys of each mode. Nothing here runs
after the configuration has been loaded, except for the checks at the hub's start.
No policy and no HTTP: those are the domain's and the spawner's.
"""
