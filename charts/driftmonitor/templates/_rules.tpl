{{- /*
What the operator may do in the namespaces that it works in: exactly what it does
(tests/integration/properties/test_rights.py compares this with what the apiserver saw). Both modes share it.
*/ -}}
{{- define "driftmonitor.rules" -}}
- apiGroups: [driftmonitor.dev]
  resources: [driftmonitors]
  verbs: [get, list, watch]
# Its own conditions; the check's Role grants this too, and nobody can grant what he does not hold.
- apiGroups: [driftmonitor.dev]
  resources: [driftmonitors/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [configmaps, persistentvolumeclaims, serviceaccounts, services]
  verbs: [get, list, watch, create, patch, delete]
# The collector's token is made, never read.
- apiGroups: [""]
  resources: [secrets]
  verbs: [create]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
# An Event that comes again is counted in the first one.
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [batch]
  resources: [cronjobs]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [list, watch, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [rbac.authorization.k8s.io]
  resources: [roles, rolebindings]
  verbs: [get, list, watch, create, patch, delete]
{{- end -}}
