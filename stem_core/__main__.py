"""`python -m stem_core` is `stem`."""

from stem_core.cli import main

if __name__ == "__main__":
    main()
