"""What tests of Stem, of stores and of programs on Stem are written with. Needs pytest."""
