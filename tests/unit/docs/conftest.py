"""The documentation, read once: its files, its generated pages, the commands in it."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "scripts"))  # offerkit_docs, the generator
sys.path.insert(0, str(Path(__file__).resolve().parent))  # docs_text
