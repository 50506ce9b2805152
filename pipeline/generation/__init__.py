"""How text is generated: the decode loop and its cache, choice and end of tokens, and beam search."""
