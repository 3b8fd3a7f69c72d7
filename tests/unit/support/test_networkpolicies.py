"""The evaluator of NetworkPolicies judges as the API's documentation says."""

from typing import Any

import pytest

from tests.support.networkpolicies import Endpoint, connects, selects

WEB = Endpoint("10.0.0.1", "shop", {"app": "web"}, {"team": "shop"}, {"http": 8080})
DATABASE = Endpoint("10.0.0.2", "shop", {"app": "database"}, {"team": "shop"})
STRANGER = Endpoint("10.0.1.1", "mall", {"app": "web"}, {"team": "mall"})
OUTSIDE = Endpoint("192.0.2.1")


def policy(spec: dict[str, Any], app: str = "web") -> dict[str, Any]:
    return {"metadata": {"namespace": "shop"}, "spec": {"podSelector": {"matchLabels": {"app": app}}, **spec}}


def test_a_pod_that_no_policy_selects_takes_and_makes_every_connection() -> None:
    assert connects([policy({}, app="other")], OUTSIDE, WEB, 1)
    assert connects([], WEB, OUTSIDE, 1)


def test_a_policy_without_rules_isolates_for_what_comes_in_and_for_what_goes_out_only_where_its_types_say_so() -> None:
    assert not connects([policy({})], OUTSIDE, WEB, 1)
    assert connects([policy({})], WEB, OUTSIDE, 1)
    assert not connects([policy({"policyTypes": ["Egress"]})], WEB, OUTSIDE, 1)
    assert connects([policy({"policyTypes": ["Egress"]})], OUTSIDE, WEB, 1)


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        ({}, [DATABASE, STRANGER, OUTSIDE]),
        ({"from": [{"podSelector": {}}]}, [DATABASE]),
        ({"from": [{"namespaceSelector": {}}]}, [DATABASE, STRANGER]),
        ({"from": [{"namespaceSelector": {"matchLabels": {"team": "mall"}}}]}, [STRANGER]),
        (
            {"from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "database"}}}]},
            [DATABASE],
        ),
        (
            {"from": [{"namespaceSelector": {"matchLabels": {"team": "mall"}}}, {"podSelector": {}}]},
            [DATABASE, STRANGER],
        ),
        ({"from": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}, [OUTSIDE]),
        ({"from": [{"ipBlock": {"cidr": "192.0.2.0/24", "except": ["192.0.2.1/32"]}}]}, []),
        ({"from": [{"ipBlock": {"cidr": "::/0"}}]}, []),
    ],
)
def test_a_rule_lets_in_whom_it_names(rule: dict[str, Any], allowed: list[Endpoint]) -> None:
    rules = [policy({"ingress": [rule]})]
    assert [end for end in (DATABASE, STRANGER, OUTSIDE) if connects(rules, end, WEB, 8080)] == allowed


@pytest.mark.parametrize(
    ("ports", "allowed"),
    [
        ([], [79, 80, 8080]),
        ([{"port": 80}], [80]),
        ([{"port": 79, "endPort": 80}], [79, 80]),
        ([{"port": "http"}], [8080]),
        ([{"port": "https"}], []),
        ([{"port": 80, "protocol": "UDP"}], []),
        ([{"protocol": "TCP"}], [79, 80, 8080]),
    ],
)
def test_a_rule_is_for_the_ports_that_it_names(ports: list[Any], allowed: list[int]) -> None:
    rules = [policy({"ingress": [{"ports": ports}]})]
    assert [port for port in (79, 80, 8080) if connects(rules, OUTSIDE, WEB, port)] == allowed


def test_both_ends_must_allow_a_connection_and_rules_of_several_policies_add_up() -> None:
    to_database = policy(
        {"policyTypes": ["Egress"], "egress": [{"to": [{"podSelector": {"matchLabels": DATABASE.labels}}]}]}
    )
    closed = policy({}, app="database")
    opened = policy({"ingress": [{"ports": [{"port": 5432}]}]}, app="database")
    assert connects([to_database], WEB, DATABASE, 5432)
    assert not connects([to_database], WEB, OUTSIDE, 5432)
    assert not connects([to_database, closed], WEB, DATABASE, 5432)
    assert connects([to_database, closed, opened], WEB, DATABASE, 5432)


@pytest.mark.parametrize(
    ("operator", "values", "picked"),
    [("In", ["web"], True), ("In", ["x"], False), ("NotIn", ["web"], False), ("NotIn", ["x"], True)],
)
def test_expressions_compare_with_sets(operator: str, values: list[str], picked: bool) -> None:
    expression = {"key": "app", "operator": operator, "values": values}
    assert selects({"matchExpressions": [expression]}, {"app": "web"}) == picked
    assert selects({"matchExpressions": [{"key": "b", "operator": "Exists"}]}, {"app": "web"}) is False
    assert selects({"matchExpressions": [{"key": "b", "operator": "DoesNotExist"}]}, {"app": "web"}) is True
