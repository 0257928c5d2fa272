"""The `sandlot` command.

Only what finds and calls sub-commands may live here. Nothing of ours but the exit codes
is imported until a command is asked for: `sandlot --help` and a user's `sandlot doctor`
must not need the hub's packages.
"""
