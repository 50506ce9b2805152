"""Commands for people that are no stage: check captions, measure the rules, choose their limits."""
