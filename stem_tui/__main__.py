"""`python -m stem_tui`."""

from stem_tui.cli import main

if __name__ == "__main__":
    main()
