"""A real Kafka broker for tests: Apache Kafka in KRaft mode on one node, its pinned jars resolved by Maven."""
