"""What Sandlot adds to the hub's own pages: handlers, and a variable for all templates.

A handler reads a request, asks the spawner of the user it is about, and answers. Who may
ask is decided by the hub's scopes.
"""
