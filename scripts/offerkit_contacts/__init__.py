"""Makes the contacts of the bundled project. Nobody in them exists; no address in them can be written to."""
