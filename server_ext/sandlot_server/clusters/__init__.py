"""The owner's Dask clusters.

`owned` is what routes call, `watch` hears of changes, `dashboards` leads to what schedulers
show. Addresses, keys and tokens stay in this process.
"""
