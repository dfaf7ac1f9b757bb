"""The loop of development: watch, reload, deploy, regenerate, tell."""
