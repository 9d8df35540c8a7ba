"""Who speaks: personas, populations, memory, prompts, the request vocabulary and the instruments anyone can answer."""
