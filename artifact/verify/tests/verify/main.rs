//! Signatures: those that count, and every attack that must not.
