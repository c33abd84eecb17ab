"""The operations console of Stem, in the terminal."""
