"""Parts of the rows that are compared on their own: drift of one of them may not show in the whole."""
