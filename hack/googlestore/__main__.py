"""`python -m hack.googlestore`: builds the server and prints its path."""

from hack.googlestore.build import ensure

print(ensure())
