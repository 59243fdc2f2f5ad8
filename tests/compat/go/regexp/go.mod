module github.com/kubectl-oci/kubectl-oci/tests/compat/go/regexp

go 1.26.0
