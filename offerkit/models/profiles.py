"""The three profiles of operators (domain.md §1); apart from the model, so that rights load no pydantic."""

from __future__ import annotations

from typing import Literal

Profile = Literal["administrator", "offer-manager", "delivery-manager"]
