"""``_system/...``: the functions that Convex's tools ask for, written here instead of pushed."""
