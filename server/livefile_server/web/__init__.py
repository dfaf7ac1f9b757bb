"""The HTTP server: the sockets of the sync protocol, the function API, the web page."""
