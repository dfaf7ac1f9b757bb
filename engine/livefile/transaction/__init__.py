"""Serialisable transactions over snapshots, and the committer that makes them durable."""
