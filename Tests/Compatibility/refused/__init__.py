"""Requests that no good client sends: bytes that are no message, values at and beyond every limit, streams and metadata misused."""
