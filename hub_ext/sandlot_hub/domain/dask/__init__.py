"""Dask clusters: who may have which, their processes and pods, and how they fare."""
