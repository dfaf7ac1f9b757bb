"""The app that the tortures of histories run: small functions whose every result can be judged."""
