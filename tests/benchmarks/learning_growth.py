"""What learning costs a step and task with more tasks side by side."""

from tests.benchmarks.growth import learning_rows as run

__all__ = ["run"]
