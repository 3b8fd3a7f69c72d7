"""`python -m hack.azurestore`: installs the server and prints its path."""

from hack.azurestore.build import ensure

print(ensure())
