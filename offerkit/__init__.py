"""offerkit: configuration-as-code for marketing offers."""

__version__ = "0.2.0"
