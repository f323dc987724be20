"""The HTTP server: ASGI, status codes and cookies. It decides nothing itself."""
