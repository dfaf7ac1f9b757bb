"""Data in and out: snapshots as ZIP files, and tables as JSON Lines, JSON or CSV."""
