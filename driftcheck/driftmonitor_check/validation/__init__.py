"""The validation service: answers over HTTP whether rows that it is given drift from the reference."""
