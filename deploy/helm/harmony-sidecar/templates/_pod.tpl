{{- /* Metadata and spec that the pods of both modes share. */}}
{{- define "harmony-sidecar.podMetadata" -}}
{{- with .Values.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
labels:
  {{- include "harmony-sidecar.labels" . | nindent 2 }}
  {{- with .Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "harmony-sidecar.podSpec" -}}
serviceAccountName: {{ include "harmony-sidecar.fullname" . }}
automountServiceAccountToken: false
# Otherwise every service in the namespace adds variables to the environment, which holds settings.
enableServiceLinks: false
securityContext:
  # The group of the socket and the secrets; every container belongs to it.
  fsGroup: 65532
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    matchLabelKeys: [pod-template-hash]
    labelSelector:
      matchLabels:
        {{- include "harmony-sidecar.selectorLabels" $ | nindent 8 }}
  {{- end }}
{{- end }}

{{- /* Drain, grace, 1 s to end open streams, and time to exit. */}}
{{- define "harmony-sidecar.stopSeconds" -}}
{{ ceil (addf .Values.drainSeconds .Values.graceSeconds 5) }}
{{- end }}
