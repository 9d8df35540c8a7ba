"""Citizens' assemblies: people deliberate, vote, and turn what they decide into alignment data."""
