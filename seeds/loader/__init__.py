"""From a study folder to a published version: read, resolve, check, compose the canonical document, publish."""
