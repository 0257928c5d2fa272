"""What JupyterHub instantiates to start servers, and the pages that people start them on.

Here live the mixin that every Sandlot spawner shares, the spawners themselves, the
options hook, the spawn form with its templates, modules and styles, the pages that the
hub gets besides (`pages`), what all spawners of a hub share (the machine, the places, the
feed of the offers service), and the exceptions that carry a refusal or a failure to each
of the hub's transports. Traits appear only where the hub or an administrator sets them.

Nothing here decides: who may start what is `domain.offers.profiles`, and processes are
started and stopped through `adapters`. No authenticators, no services, no database
of our own.
"""
