"""`python -m hack.objectstore`: builds the server and prints its path."""

from hack.objectstore.build import ensure

print(ensure())
