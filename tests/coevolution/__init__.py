"""Co-evolution on numbers: no model, no file."""
