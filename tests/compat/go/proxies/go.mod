module github.com/kubectl-oci/kubectl-oci/tests/compat/go/proxies

go 1.26.0
