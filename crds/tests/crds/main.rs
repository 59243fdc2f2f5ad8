//! The API as a whole: case files, schema, conversion.

mod cases;
mod schema;
mod types;
