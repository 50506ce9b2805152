"""Fetching pictures from the net: img2dataset at work, behind a guard, until there are as many as were wanted."""
