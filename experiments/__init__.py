"""Experiments on a finished run: what each part of the curation, and of the model, is worth."""
