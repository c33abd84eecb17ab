"""From the console's state to what is drawn: pure functions, strings and tones, no Textual."""
