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

{{- /* The image of one component: by its digest where one is given, else by the tag. */ -}}
{{- define "driftmonitor.image" -}}
{{- $root := index . 0 -}}
{{- $images := $root.Values.images -}}
{{- with get $images.digests (index . 1) -}}
{{ $images.prefix }}/{{ index $ 1 }}@{{ . }}
{{- else -}}
{{ $images.prefix }}/{{ index . 1 }}:{{ $images.tag | default $root.Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- /* Names of the image pull Secrets, with commas, for the pods of monitors. */ -}}
{{- define "driftmonitor.pullSecretNames" -}}
{{- $names := list -}}
{{- range .Values.imagePullSecrets -}}{{- $names = append $names .name -}}{{- end -}}
{{- join "," $names -}}
{{- end -}}

{{- define "driftmonitor.serviceAccount" -}}
- kind: ServiceAccount
  name: {{ include "driftmonitor.name" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}
