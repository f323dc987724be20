"""The kinds of resources as frozen pydantic models, one file per kind.

Importing this package does not import them: see :func:`offerkit.models.registry.model_of`.
"""

from offerkit.models.registry import model_of

__all__ = ["model_of"]
