"""Sub-commands of `sandlot` for people in their own server: one file each.

A command parses its arguments, calls one thing and prints; what it finds out is
calculated elsewhere. It imports what it needs when it runs, because the command line
imports a command only to ask for its arguments.
"""
