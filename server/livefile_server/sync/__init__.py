"""The sync protocol without sockets: messages in, messages out."""
