"""What the server is told from outside: options, environment, files, logging."""
