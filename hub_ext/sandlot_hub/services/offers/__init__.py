"""The offers service: what is available to whom. It owns nothing and changes nothing.

Here live its routes, its page and the snapshot of what this installation can do. What a user is
offered is decided in the domain (`decide_offers`).
"""
