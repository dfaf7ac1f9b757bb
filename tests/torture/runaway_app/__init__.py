"""The app of functions that somebody forgot to end, or that take more than there is."""
