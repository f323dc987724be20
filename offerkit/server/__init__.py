"""The server: what is live, asked over HTTP. ASGI, status codes and cookies only here; nothing is decided."""
