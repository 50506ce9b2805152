"""One reason to distrust a description per module."""
