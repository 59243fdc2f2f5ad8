//! The process: everything that can be wrong is found out first, then it works until it is told to end.
