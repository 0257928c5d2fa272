"""The Dask gateway: clusters of schedulers and workers, started from people's notebooks.

dask-gateway-server does the work: its database, its reconciling of what is wanted with what
there is, its language with schedulers (`backend`, `database`). Here are what it lacks: who may
have how much (`admission`), processes under the owner's own uid through the supervisor, routes
that tell an owner how their clusters are (`owner_handlers`), and a door for schedulers (`door`)
that no proxy leads to.
"""
