//! The command line: data only. Every flag and variable of source-controller 1.10.1 is accepted.
