//! A request behind the router: its route, its role and the size of its body are checked.

use std::net::IpAddr;

use bytes::Bytes;
use hyper::header::HeaderValue;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::answer::{self, Rejection};
use super::body;
use super::charge::client::Client;
use super::coerce::{self, Strictness};
use super::fields::{Complaint, FieldReader};
use super::problem::ProblemCode;
use crate::files;

/// A request that a route has taken.
#[derive(Debug)]
pub struct RoutedRequest {
    /// Its sender.
    pub client: Client,
    /// The address of its sender.
    pub peer: IpAddr,
    /// The name of this server that it says.
    pub host: String,
    /// The `Set-Cookie` with which the browser of a paired device keeps its token for longer.
    pub renewed_cookie: Option<String>,
    /// The values of the segments in braces, in the order of the path.
    pub values: Vec<String>,
    /// The text behind the question mark.
    pub query: String,
    /// The header `accept`.
    pub accept: Option<HeaderValue>,
    /// How the values of its body are read.
    pub strictness: Strictness,
    /// The body.
    pub body: RequestBody,
}

impl RoutedRequest {
    /// The value of the segment in braces with this index.
    #[must_use]
    pub fn value(&self, index: usize) -> &str {
        self.values.get(index).map_or("", String::as_str)
    }
}

/// The type of a body: a column of the route table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyType {
    /// A body means nothing here and is ignored.
    Nothing,
    /// JSON, whatever its content type is: the clients' first server asked for none.
    Json,
    /// JSON with `content-type: application/json`. A form on a foreign page cannot send that without a preflight, so every
    /// route of ours wants it.
    DeclaredJson,
    /// The same as the content of a file: a shell or an editor on Windows may have saved it with a byte order mark, or as
    /// UTF-16.
    JsonFile,
    /// The content of a file, whatever its type is called. Only for `PUT`, which a foreign page cannot send without a preflight.
    File,
    /// The content of a large file, which its handler reads while it comes. Its type has to be [`STREAM_TYPE`], which a form on a
    /// foreign page cannot send.
    Stream,
}

/// The type of a body that its handler reads itself.
pub const STREAM_TYPE: &str = "application/octet-stream";

/// A body, read once.
#[derive(Debug)]
pub enum RequestBody {
    /// As it came.
    Received {
        /// The type that the route takes.
        body_type: BodyType,
        /// The header `content-type`.
        content_type: Option<HeaderValue>,
        /// The bytes.
        bytes: Bytes,
    },
    /// Parsed already.
    Parsed(Result<Option<Value>, Rejection>),
}

impl RequestBody {
    /// The body as JSON; none when it is empty.
    ///
    /// # Errors
    /// 415 when it should be declared as JSON and is not, 400 when it is no JSON, 422 when a key is there twice.
    pub fn json(self) -> Result<Option<Value>, Rejection> {
        let RequestBody::Received { body_type, content_type, bytes } = self else {
            let RequestBody::Parsed(parsed) = self else { return Ok(None) };
            return parsed;
        };
        match body_type {
            BodyType::Nothing | BodyType::File | BodyType::Stream => Ok(None),
            BodyType::Json => body::json(&bytes),
            BodyType::DeclaredJson => {
                if bytes.is_empty() {
                    return Ok(None);
                }
                check_declared(content_type.as_ref(), "application/json")?;
                body::declared_json(&bytes)
            }
            BodyType::JsonFile => {
                check_declared(content_type.as_ref(), "application/json")?;
                let text = files::text(bytes.to_vec()).map_err(|why| {
                    answer::refuse(ProblemCode::InvalidJson, format!("the body is no JSON: {why}"))
                })?;
                body::json(text.as_bytes())
            }
        }
    }
}

impl RequestBody {
    /// The body as it came.
    #[must_use]
    pub fn file(self) -> Bytes {
        match self {
            RequestBody::Received { bytes, .. } => bytes,
            RequestBody::Parsed(_) => Bytes::new(),
        }
    }

    /// The body as a value of this type, or its default without a body.
    ///
    /// # Errors
    /// Those of [`RequestBody::typed`].
    pub fn typed_or_default<T: DeserializeOwned + JsonSchema + Default>(self) -> Result<T, Rejection> {
        if matches!(&self, RequestBody::Received { bytes, .. } if bytes.is_empty()) {
            return Ok(T::default());
        }
        self.typed()
    }

    /// The body as a value of this type.
    ///
    /// # Errors
    /// Those of [`RequestBody::json`], and 422 without a body, or with the first field that is wrong.
    pub fn typed<T: DeserializeOwned + JsonSchema>(self) -> Result<T, Rejection> {
        let Some(value) = self.json()? else {
            let (msg, kind) = coerce::MISSING;
            return Err(answer::unprocessable(&[Complaint::new(vec!["body".into()], msg, kind)]));
        };
        let mut fields = FieldReader::with(Strictness::Strict, "data", Some(&value))
            .map_err(|complaint| answer::unprocessable(&[complaint]))?;
        let schema = schemars::schema_for!(T).to_value();
        let known = schema["properties"].as_object().into_iter().flat_map(Map::keys);
        fields.nothing_but(&known.map(String::as_str).collect::<Vec<_>>());
        if !fields.complaints.is_empty() {
            return Err(answer::unprocessable(&fields.complaints));
        }
        serde_path_to_error::deserialize(value).map_err(|error| {
            let path = error.path().to_string();
            let mut loc: Vec<Value> = vec!["body".into(), "data".into()];
            loc.extend(path.split('.').filter(|part| *part != ".").map(Value::from));
            let why = error.inner().to_string();
            let kind = match why.split(' ').next() {
                Some("missing") => "value_error.missing",
                Some("invalid") => "type_error",
                _ => "value_error",
            };
            answer::unprocessable(&[Complaint::new(loc, why, kind)])
        })
    }
}

/// Refuses a body that its header declares as something else.
///
/// # Errors
/// 415.
pub fn check_declared(content_type: Option<&HeaderValue>, expected: &str) -> Result<(), Rejection> {
    let declared = content_type.and_then(|declared| declared.to_str().ok());
    let essence = declared.unwrap_or_default().split(';').next().unwrap_or_default();
    if essence.trim().eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    let why = format!("send it with content-type {expected}");
    Err(answer::refuse(ProblemCode::WrongContentType, why))
}
