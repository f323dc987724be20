"""The command line: click, printing and exit codes; nothing else is decided here."""
