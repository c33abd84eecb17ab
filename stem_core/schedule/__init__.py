"""Tasks that are enqueued again and again: what is to be sent when, and the scheduler that sends it."""
