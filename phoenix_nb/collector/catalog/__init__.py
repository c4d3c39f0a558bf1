"""Ready-made pipelines for process metrics."""

from __future__ import annotations

from phoenix_nb.collector.catalog._entries import CatalogEntry, CatalogMetadata, CatalogParameter, load, names

__all__ = ["CatalogEntry", "CatalogMetadata", "CatalogParameter", "load", "names"]
