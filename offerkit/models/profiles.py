"""The three profiles of operators (domain.md §1); a separate module, so that rights do not import pydantic."""

from __future__ import annotations

from typing import Literal

Profile = Literal["administrator", "offer-manager", "delivery-manager"]
