//! Documents of API v1: the types of its bodies and answers. Each serialises and describes itself, so the OpenAPI document, made
//! from the same types, cannot say anything else.

pub mod command;
pub mod info;
pub mod limits;
pub mod machine;
pub mod settings;
pub mod wave;
