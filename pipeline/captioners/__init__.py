"""The models that `describe` can ask for descriptions."""
