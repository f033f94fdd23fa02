{{- /* What the pods of both modes have in common. */}}
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
# Or every service of the namespace would add variables to the environment, where settings are.
enableServiceLinks: false
securityContext:
  # The group of the socket and of the secrets; every container is in it.
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

{{- /* Drain, grace, 1 s in which streams are told that it is over, and some to exit. */}}
{{- define "harmony-sidecar.stopSeconds" -}}
{{ ceil (addf .Values.drainSeconds .Values.graceSeconds 5) }}
{{- end }}
