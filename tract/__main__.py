"""__main__.py - `python -m tract`, the same as the command `tract`."""

from tract.cli.main import main

if __name__ == "__main__":
    main()
