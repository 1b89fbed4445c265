"""golden - what is on disk, byte for byte, written by hand from FORMAT.md."""
