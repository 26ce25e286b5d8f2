"""The version of the package: a number that everything may ask for."""

__version__ = "0.1.0"
