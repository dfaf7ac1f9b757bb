"""Pushed JavaScript: the code as data, the processes that run it, and what it may ask for."""
