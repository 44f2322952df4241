//! The caller of an operation.

use std::net::IpAddr;

use crate::auth::Actor;
use crate::server::middleware::RequestId;

/// The caller of an operation.
#[derive(Clone)]
pub struct Caller {
    /// Identifies the request in responses and in the log.
    pub id: RequestId,
    /// The authenticated actor; `None` if the caller is anonymous.
    pub actor: Option<Actor>,
    /// Address of the client; `None` if unknown.
    pub address: Option<IpAddr>,
}
