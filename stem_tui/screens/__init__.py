"""Pages and dialogs of the console."""
