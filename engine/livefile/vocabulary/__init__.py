"""The words that every other layer may use: errors, limits and the clock."""
