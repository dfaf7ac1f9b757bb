"""Work that nobody asked for just now: what is due at a time, and what keeps the file in order."""
