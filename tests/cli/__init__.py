"""The command line: options, exit codes, what is printed, and that it is harmless."""
