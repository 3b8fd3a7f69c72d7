"""`python -m hack.kafka`: fetches the broker's jars and prints their folder."""

from hack.kafka.build import ensure

print(ensure())
