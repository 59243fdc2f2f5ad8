//! One run of one object, and which object is run when.
