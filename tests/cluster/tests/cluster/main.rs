//! Suite against a real kube-apiserver with etcd.
