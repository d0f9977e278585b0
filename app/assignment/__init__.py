"""Assignment rules: who gets new tickets that nobody has."""
