"""media.py - the file extension of an attachment, by its media type (FORMAT.md, attachments)."""

from __future__ import annotations

_EXTENSIONS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "application/pdf": "pdf",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/flac": "flac",
    "video/mp4": "mp4",
    "application/json": "json",
    "text/plain": "txt",
}


def extension_of(media_type: str) -> str:
    """The extension of a blob of that type; `bin` for what has none of its own."""
    return _EXTENSIONS.get(media_type, "bin")
