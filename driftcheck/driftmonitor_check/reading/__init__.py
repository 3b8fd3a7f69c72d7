"""How values of each type but numbers and categories are read: as what can be compared, missing, or unreadable."""
