//! The way of this process into a storage service of a cloud: what is sent with each request.
//!
//! Keys and tokens come from the same places and the same cache as those for registries. Nobody else's identity is used:
//! a bucket is the controller's own.

use std::sync::Arc;

use oci_registry::{Secret, WireErrors, auth::Minted, web::Web};
use url::Url;

use crate::{
    aws::{self, sigv4::Signer},
    azure::{self, SharedKey},
    cache::{Kept, Key, Parts},
    context::Context,
    error::IdentityError,
    gcp,
    lease::{Access, Proof},
    source::Identities,
};

/// A storage service.
#[derive(Clone, Debug)]
pub enum Service {
    /// S3, or what speaks it, in a region.
    S3 {
        /// The region that is signed for.
        region: String,
    },
    /// Google Cloud Storage.
    Gcs,
    /// A storage account of Azure.
    Azure {
        /// Its name.
        account: String,
        /// The host of its service, which tells whose cloud it is.
        host: String,
    },
}

/// A request that is not let in yet.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Such as `GET`.
    pub method: &'static str,
    /// Where it goes.
    pub url: &'a Url,
    /// The headers that a signature may cover; names in small letters.
    pub headers: &'a [(&'static str, String)],
    /// The SHA-256 of the body, in hex.
    pub sha256: &'a str,
    /// Bytes of the body.
    pub length: u64,
}

/// What lets a request in.
pub struct Entry {
    /// Headers to be sent with it.
    pub headers: Vec<(&'static str, Secret<String>)>,
    /// What they were made from, for [`Entrance::refused`].
    pub minted: Option<Minted>,
}

/// The way in.
pub struct Entrance {
    identities: Identities,
    web: Arc<Web>,
    way: Way,
}

enum Way {
    Aws(aws::Region),
    Gcp,
    Azure(azure::Storage),
    Key(SharedKey),
}

impl Entrance {
    /// Into a service; an error if the environment has something for it that cannot be used. `web` reaches the token
    /// services.
    pub fn new(identities: Identities, service: &Service, web: Arc<Web>) -> Result<Self, IdentityError> {
        let environment = identities.environment();
        let way = match service {
            Service::S3 { region } => Way::Aws(aws::Region::of(environment, region)?),
            Service::Gcs => Way::Gcp,
            Service::Azure { account, host } => match SharedKey::of(environment, account)? {
                Some(key) => Way::Key(key),
                None => Way::Azure(azure::Storage::of(environment, host)?),
            },
        };
        Ok(Self { identities, web, way })
    }

    /// Lets a request in.
    pub async fn admit(&self, request: &Request<'_>) -> Result<Entry, Arc<IdentityError>> {
        let headers = request.headers.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>();
        if let Way::Key(key) = &self.way {
            let value = key.authorization(request.method, request.url, &headers, request.length);
            let headers = vec![("authorization", Secret::new(value))];
            return Ok(Entry { headers, minted: None });
        }
        let cache = self.identities.cache();
        let fresh = async {
            let lease = Box::pin(self.access()).await.map_err(Arc::new)?;
            Ok(crate::lease::Lease { value: Kept::Access(lease.value), expires: lease.expires })
        };
        match cache.get(self.key(), None, fresh).await? {
            (Kept::Access(access), minted) => {
                Ok(Entry { headers: self.headers(request, &access), minted: Some(minted) })
            }
            (Kept::Login(_), _) => {
                Err(Arc::new(IdentityError::Nothing { cloud: "storage", passed: Vec::new() }))
            }
        }
    }

    /// The service did not take what this was made from: the next request gets something fresh.
    pub fn refused(&self, minted: Minted) {
        self.identities.cache().forget(&self.key(), minted);
    }

    fn headers(&self, request: &Request<'_>, access: &Access) -> Vec<(&'static str, Secret<String>)> {
        match (&access.proof, &self.way) {
            (Proof::Keys(keys), Way::Aws(region)) => {
                let now = self.identities.now();
                let signer = Signer { keys, region: region.name(), service: "s3", now };
                let all = signer.s3(request.method, request.url, request.sha256).into_iter();
                // The HTTP library sends the same host.
                let sent = all.filter(|(name, _)| *name != "host");
                sent.map(|(name, value)| (name, Secret::new(value))).collect()
            }
            (Proof::Token(token), _) => {
                vec![("authorization", Secret::new(format!("Bearer {}", token.value.expose())))]
            }
            (Proof::Keys(_), _) => Vec::new(),
        }
    }

    fn key(&self) -> Key {
        let parts = Parts::default();
        match &self.way {
            Way::Aws(region) => region.access_parts(parts.with("provider", "aws")),
            Way::Gcp => parts.with("provider", "gcp"),
            Way::Azure(storage) => storage.access_parts(parts.with("provider", "azure")),
            Way::Key(_) => parts,
        }
        .with("bucket", "storage")
        .key()
    }

    async fn access(&self) -> Result<crate::lease::Lease<Access>, IdentityError> {
        let context: Context<'_> = self.identities.context(&self.web);
        match &self.way {
            Way::Aws(region) => region.access(context).await,
            Way::Gcp => gcp::of_process(context).await,
            Way::Azure(storage) => storage.access(context).await,
            Way::Key(_) => Err(IdentityError::Nothing { cloud: "azure", passed: Vec::new() }),
        }
    }
}

/// A storage service's own words about an error: XML in all of them.
pub fn words(body: &[u8]) -> WireErrors {
    aws::words::sts(body)
}
