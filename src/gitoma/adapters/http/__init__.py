"""The REST API, on Litestar and msgspec."""
