{{- define "driftmonitor.name" -}}
{{- printf "%s-operator" .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "driftmonitor.selector" -}}
app.kubernetes.io/name: driftmonitor
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "driftmonitor.labels" -}}
{{ include "driftmonitor.selector" . }}
app.kubernetes.io/part-of: driftmonitor
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "driftmonitor.image" -}}
{{- $root := index . 0 -}}
{{ $root.Values.images.prefix }}/{{ index . 1 }}:{{ $root.Values.images.tag | default $root.Chart.AppVersion }}
{{- end -}}
