//! Conditions: setting, removing, and the sum of them.
