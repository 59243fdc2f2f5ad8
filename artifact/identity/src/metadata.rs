//! Metadata services: the machine's own word about its identity, at an address that is the same everywhere.
//!
//! Where there is none, nothing answers at that address: it is asked last, and given up after a second.

use oci_registry::{
    Fault,
    web::{Web, WebReply, WebRequest},
};

use crate::{error::IdentityError, exchange::Exchange, place::Miss};

/// The address on machines of every cloud.
pub(crate) const ADDRESS: &str = "169.254.169.254";

/// An answer of any status. That nobody is there is no error.
pub(crate) async fn send(exchange: &Exchange, web: &Web, request: &WebRequest) -> Result<WebReply, Miss> {
    match exchange.send(web, request).await {
        Err(IdentityError::Web { fault, .. }) if matches!(*fault, Fault::Connect { .. }) => {
            Err(Miss::nothing(format!("nothing answers at {}", request.origin())))
        }
        sent => Ok(sent?),
    }
}
