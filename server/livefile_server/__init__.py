"""The server of Livefile: the protocol of Convex's clients in front of the engine."""
