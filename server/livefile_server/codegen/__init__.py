"""Code for clients, written from what an app offers."""
