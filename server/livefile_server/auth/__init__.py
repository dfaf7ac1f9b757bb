"""Who calls: admin keys, and the identity that a request stands for."""
