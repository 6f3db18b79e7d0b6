"""The generated pages of docs/: each is a function from what the house holds to a text."""
