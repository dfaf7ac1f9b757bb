"""User functions: their definition, their context, and how one call runs."""
