"""A real Kafka broker for tests: Apache Kafka in KRaft mode on one node, its jars resolved by Maven at pinned versions."""
