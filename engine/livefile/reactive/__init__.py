"""Live queries: which results a commit changes, and who must hear of it."""
