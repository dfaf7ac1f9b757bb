"""The app that the benchmarks run: accounts to transfer between, and readings on a line."""
