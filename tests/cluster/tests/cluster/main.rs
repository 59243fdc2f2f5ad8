//! Suite against a real kube-apiserver with etcd.

mod control_plane;
