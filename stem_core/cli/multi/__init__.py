"""`stem worker multi …`: workers of this machine that outlive the terminal they were started from."""
