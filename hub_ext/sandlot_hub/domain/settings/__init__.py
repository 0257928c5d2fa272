"""The settings file as models: what an administrator may write, and what it means.

`model` is the whole file; its sections have modules of their own. ``catalogue`` checks that the
sections fit together.
"""
