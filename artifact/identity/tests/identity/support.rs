//! What the tests of every cloud need.
