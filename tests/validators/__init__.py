"""Validators of what providers accept, written from their published schemas."""
