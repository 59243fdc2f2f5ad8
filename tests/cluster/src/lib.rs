//! Suite against a real kube-apiserver with etcd; all of it is in `tests/cluster`.
