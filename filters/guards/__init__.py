"""What a rewriter's answer must meet before it may replace a description."""
