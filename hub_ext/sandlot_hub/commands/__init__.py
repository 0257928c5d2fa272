"""The sub-commands of ``sandlot`` that need the hub's packages, one file each.

Each module has one function, `command`, which the entry points name: it adds its
arguments to a parser and returns what runs. Here is only what belongs to a terminal:
arguments, sentences, exit codes. What is done is done by `local` and `adapters`.
"""
