"""Execute SQL on the store of the current project, as a foreign hand would; print what it gives."""

from __future__ import annotations

import sqlite3
import sys

if __name__ == "__main__":
    with sqlite3.connect(".offerkit/store.db") as connection:
        for row in connection.execute(sys.argv[1]):
            print(*row)
