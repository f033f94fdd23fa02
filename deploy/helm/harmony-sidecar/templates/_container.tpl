{{- /*
The server's container. In modes sidecar and library it is a native sidecar on a Unix socket; put it into
the pod's initContainers. In mode deployment it listens on a port.
*/}}
{{- define "harmony-sidecar.container" -}}
{{- $port := eq .Values.mode "deployment" -}}
{{- $socket := include "harmony-sidecar.hasSocket" . -}}
name: harmony
image: {{ include "harmony-sidecar.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- if not $port }}
restartPolicy: Always
{{- end }}
args: [serve]
env:
  {{- $listen := list }}
  {{- if $port }}{{ $listen = append $listen (printf "0.0.0.0:%d" (int .Values.port)) }}{{ end }}
  {{- if $socket }}{{ $listen = append $listen (include "harmony-sidecar.socket" .) }}{{ end }}
  - {name: HARMONY_LISTEN, value: {{ join "," $listen | quote }}}
  - {name: HARMONY_DRAIN_SECONDS, value: {{ .Values.drainSeconds | toJson | quote }}}
  - {name: HARMONY_GRACE_SECONDS, value: {{ .Values.graceSeconds | toJson | quote }}}
  {{- if and $port .Values.tls.secretName }}
  - {name: HARMONY_TLS_CERTIFICATE, value: /etc/harmony/tls/tls.crt}
  - {name: HARMONY_TLS_KEY, value: /etc/harmony/tls/tls.key}
  {{- if .Values.tls.requireClientCertificate }}
  - {name: HARMONY_TLS_CLIENT_CA, value: /etc/harmony/tls/ca.crt}
  {{- end }}
  {{- else if $port }}
  - {name: HARMONY_ALLOW_PLAINTEXT, value: "true"}
  {{- end }}
  {{- if .Values.auth.secretName }}
  - {name: HARMONY_AUTH_TOKEN_FILE, value: /etc/harmony/auth/tokens}
  {{- end }}
  {{- if .Values.metrics.enabled }}
  - {name: HARMONY_METRICS_LISTEN, value: {{ printf "0.0.0.0:%d" (int .Values.metrics.port) | quote }}}
  {{- if .Values.metrics.auth.secretName }}
  - {name: HARMONY_METRICS_TOKEN_FILE, value: /etc/harmony/metrics-auth/tokens}
  {{- end }}
  {{- end }}
  {{- range $name, $value := .Values.settings }}
  {{- /* As JSON, because Helm writes large numbers as 1e+07. */}}
  - {name: HARMONY_{{ upper $name }}, value: {{ kindIs "string" $value | ternary $value (toJson $value) | quote }}}
  {{- end }}
  {{- with .Values.env }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- if or $port .Values.metrics.enabled }}
ports:
  {{- if $port }}
  - {name: grpc, containerPort: {{ .Values.port }}}
  {{- end }}
  {{- if .Values.metrics.enabled }}
  - {name: metrics, containerPort: {{ .Values.metrics.port }}}
  {{- end }}
{{- end }}
startupProbe:
  {{- include "harmony-sidecar.probe" (dict "root" . "service" "startup") | nindent 2 }}
  periodSeconds: 1
  timeoutSeconds: 5
  failureThreshold: 60
readinessProbe:
  {{- include "harmony-sidecar.probe" (dict "root" . "service" "readiness") | nindent 2 }}
  periodSeconds: 10
  timeoutSeconds: 5
livenessProbe:
  {{- include "harmony-sidecar.probe" (dict "root" . "service" "liveness") | nindent 2 }}
  periodSeconds: 30
  timeoutSeconds: 10
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  readOnlyRootFilesystem: true
  allowPrivilegeEscalation: false
  capabilities: {drop: [ALL]}
  seccompProfile: {type: RuntimeDefault}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
{{- if or $socket .Values.auth.secretName .Values.metrics.auth.secretName }}
volumeMounts:
  {{- if $socket }}
  - {{ include "harmony-sidecar.volumeMount" . }}
  {{- end }}
  {{- if and $port .Values.tls.secretName }}
  - {name: harmony-tls, mountPath: /etc/harmony/tls, readOnly: true}
  {{- end }}
  {{- if .Values.auth.secretName }}
  - {name: harmony-auth, mountPath: /etc/harmony/auth, readOnly: true}
  {{- end }}
  {{- if .Values.metrics.auth.secretName }}
  - {name: harmony-metrics-auth, mountPath: /etc/harmony/metrics-auth, readOnly: true}
  {{- end }}
{{- end }}
{{- end }}

{{- /* Kubernetes cannot probe Unix sockets or TLS, so a command in the container dials the socket. */}}
{{- define "harmony-sidecar.hasSocket" -}}
{{- if or (ne .Values.mode "deployment") .Values.tls.secretName }}true{{ end }}
{{- end }}

{{- define "harmony-sidecar.probe" -}}
{{- if include "harmony-sidecar.hasSocket" .root -}}
exec:
  command: [harmony-server, health, --service, {{ .service }}, --target, {{ include "harmony-sidecar.socket" .root | quote }}]
{{- else -}}
grpc: {port: {{ .root.Values.port }}, service: {{ .service }}}
{{- end }}
{{- end }}

{{- /* The address of the Unix socket that clients dial. */}}
{{- define "harmony-sidecar.socket" -}}
unix:///run/harmony/harmony.sock
{{- end }}

{{- /* The mount for a container that dials the socket. */}}
{{- define "harmony-sidecar.volumeMount" -}}
{name: harmony-socket, mountPath: /run/harmony}
{{- end }}

{{- /* The volumes that the container needs, as a list. */}}
{{- define "harmony-sidecar.volumes" -}}
{{- $port := eq .Values.mode "deployment" }}
{{- if include "harmony-sidecar.hasSocket" . }}
- name: harmony-socket
  emptyDir: {medium: Memory, sizeLimit: 1Mi}
{{- end }}
{{- if and $port .Values.tls.secretName }}
- name: harmony-tls
  secret: {secretName: {{ .Values.tls.secretName }}, defaultMode: 0440}
{{- end }}
{{- if .Values.auth.secretName }}
- name: harmony-auth
  secret:
    secretName: {{ .Values.auth.secretName }}
    defaultMode: 0440
    items: [{key: {{ .Values.auth.key | quote }}, path: tokens}]
{{- end }}
{{- if .Values.metrics.auth.secretName }}
- name: harmony-metrics-auth
  secret:
    secretName: {{ .Values.metrics.auth.secretName }}
    defaultMode: 0440
    items: [{key: {{ .Values.metrics.auth.key | quote }}, path: tokens}]
{{- end }}
{{- end }}
