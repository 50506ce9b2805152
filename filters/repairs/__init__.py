"""One mend of a description per module: pure, idempotent, and never adding a word."""
