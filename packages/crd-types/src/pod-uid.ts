/**
 * Calico's workload endpoint in etcd has no place for the pod's UID. Ours is an annotation, which
 * Calico's own writers keep, where they would drop an unknown field of the spec.
 */
export const podUIDAnnotation = 'ipam.harmonycloud.cn/pod-uid'
