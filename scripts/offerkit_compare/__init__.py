"""Two versions of offerkit, asked the same: generated projects, sessions of commands, and what differs."""
