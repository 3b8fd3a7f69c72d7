"""The children of a monitor as manifests: pure builders, one file for each kind or program."""

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator.apiserver import Apiserver
from driftmonitor_operator.config import OperatorConfig
from driftmonitor_operator.kinds import Body
from driftmonitor_operator.resources import (
    autoscaler,
    check,
    collector,
    configmaps,
    disruptionbudget,
    inference,
    networkpolicies,
    rbac,
    serviceaccounts,
    services,
    validation,
    volumeclaim,
)
from driftmonitor_operator.resources.inference import configuration
from driftmonitor_operator.resources.secret import token_secret
from driftmonitor_operator.resources.services import endpoints

__all__ = ["configuration", "desired", "endpoints", "token_secret"]


def desired(monitor: DriftMonitor, config: OperatorConfig, apiserver: Apiserver) -> list[Body]:
    """Every child that must exist, in the order in which they are applied: what pods need comes before the pods.

    `apiserver` is where pods reach it, for the NetworkPolicies.
    """
    return [
        *serviceaccounts.service_accounts(monitor),
        rbac.role(monitor),
        rbac.role_binding(monitor),
        *networkpolicies.network_policies(monitor, config, apiserver),
        *configmaps.config_maps(monitor, config),
        *volumeclaim.volume_claims(monitor),
        *services.services(monitor),
        collector.deployment(monitor, config),
        inference.deployment(monitor, config),
        *validation.deployment(monitor, config),
        *disruptionbudget.disruption_budgets(monitor),
        *autoscaler.autoscaler(monitor),
        check.cron_job(monitor, config),
    ]
