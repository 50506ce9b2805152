"""What pairmill costs on a machine. Not part of the package."""
