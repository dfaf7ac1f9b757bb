"""Faults, crashes and random histories, each judged by an oracle; ``make torture`` runs all."""
