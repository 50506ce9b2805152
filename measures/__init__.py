"""What is measured of a model's answers: failures, repetition, words of the reference, coverage."""
