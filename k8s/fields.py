"""The fields that our manifests may use, per Kubernetes type, so that a misspelt one is an error.

The API server ignores unknown fields by default; a typo in `securityContext` would silently drop it.
A row names a type; its words are fields: `name` a scalar (or a list of scalars), `name:Type` an
object or a list of objects of that type, `name:map` free keys with scalar values. To use a new
field of the Kubernetes API, add it here after looking at its reference.
"""

TYPES = {
    # top-level objects
    "ServiceAccount": "apiVersion kind metadata:Metadata automountServiceAccountToken",
    "ConfigMap": "apiVersion kind metadata:Metadata data:map immutable",
    "Service": "apiVersion kind metadata:Metadata spec:ServiceSpec",
    "Deployment": "apiVersion kind metadata:Metadata spec:DeploymentSpec",
    "Job": "apiVersion kind metadata:Metadata spec:JobSpec",
    "PodDisruptionBudget": "apiVersion kind metadata:Metadata spec:DisruptionSpec",
    # their parts
    "Metadata": "name namespace labels:map annotations:map",
    "Selector": "matchLabels:map",
    "ServiceSpec": "clusterIP selector:map ports:ServicePort publishNotReadyAddresses",
    "ServicePort": "name port targetPort protocol appProtocol",
    "DisruptionSpec": "maxUnavailable minAvailable unhealthyPodEvictionPolicy selector:Selector",
    "DeploymentSpec": "replicas revisionHistoryLimit progressDeadlineSeconds minReadySeconds"
                      " strategy:Strategy selector:Selector template:Template",
    "Strategy": "type rollingUpdate:RollingUpdate",
    "RollingUpdate": "maxSurge maxUnavailable",
    "JobSpec": "backoffLimit activeDeadlineSeconds ttlSecondsAfterFinished parallelism completions"
               " template:Template",
    "Template": "metadata:Metadata spec:PodSpec",
    "PodSpec": "serviceAccountName automountServiceAccountToken enableServiceLinks restartPolicy"
               " terminationGracePeriodSeconds priorityClassName nodeSelector:map"
               " securityContext:PodSecurity topologySpreadConstraints:Spread"
               " containers:Container initContainers:Container volumes:Volume",
    "PodSecurity": "runAsNonRoot runAsUser runAsGroup fsGroup fsGroupChangePolicy"
                   " seccompProfile:Seccomp",
    "Seccomp": "type",
    "Spread": "maxSkew topologyKey whenUnsatisfiable labelSelector:Selector",
    "Container": "name image imagePullPolicy command args env:Env envFrom:EnvFrom"
                 " ports:ContainerPort resources:Resources startupProbe:Probe readinessProbe:Probe"
                 " livenessProbe:Probe lifecycle:Lifecycle securityContext:Security"
                 " volumeMounts:Mount",
    "ContainerPort": "name containerPort protocol",
    "Env": "name value valueFrom:EnvSource",
    "EnvSource": "fieldRef:FieldRef",
    "FieldRef": "fieldPath",
    "EnvFrom": "configMapRef:Reference",
    "Reference": "name",
    "Resources": "requests:map limits:map",
    "Probe": "grpc:GrpcProbe httpGet:HttpProbe periodSeconds timeoutSeconds failureThreshold successThreshold"
             " initialDelaySeconds terminationGracePeriodSeconds",
    "GrpcProbe": "port service",
    "HttpProbe": "path port",
    "Lifecycle": "preStop:Handler",
    "Handler": "exec:Exec",
    "Exec": "command",
    "Security": "allowPrivilegeEscalation readOnlyRootFilesystem privileged"
                " capabilities:Capabilities",
    "Capabilities": "drop",
    "Mount": "name mountPath readOnly subPath",
    "Volume": "name emptyDir:EmptyDir secret:SecretVolume configMap:ConfigVolume",
    "EmptyDir": "sizeLimit medium",
    "SecretVolume": "secretName defaultMode optional items:Item",
    "ConfigVolume": "name defaultMode items:Item",
    "Item": "key path mode",
}


def unknown_fields(value, type_name, path):
    """Yields a sentence for every field that type_name does not have, and every wrong shape."""
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from unknown_fields(item, type_name, f"{path}[{i}]")
        return
    if not isinstance(value, dict):
        yield f"{path}: an object is expected"
        return
    if type_name == "map":
        yield from (f"{path}.{key}: a scalar is expected" for key, item in value.items()
                    if isinstance(item, (dict, list)))
        return
    known = dict((word.split(":") + [""])[:2] for word in TYPES[type_name].split())
    for key, item in value.items():
        if key not in known:
            yield f"{path}.{key}: {type_name} has no such field"
        elif known[key]:
            yield from unknown_fields(item, known[key], f"{path}.{key}")
        elif isinstance(item, dict) or (isinstance(item, list) and any(isinstance(x, (dict, list)) for x in item)):
            yield f"{path}.{key}: a scalar or a list of scalars is expected"
