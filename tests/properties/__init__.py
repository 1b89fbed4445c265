"""Walks of random operations, compared with a plain model and judged by stock git."""
