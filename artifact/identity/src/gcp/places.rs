//! Where an identity of this process may be: the order of Application Default Credentials. At a person's desk, `gcloud`
//! is asked before the metadata server.

use std::path::PathBuf;

use super::{gcloud, key_file, metadata};
use crate::{
    context::Context,
    error::IdentityError,
    lease::{Access, Lease},
    place::Miss,
};

const FILE: &str = "GOOGLE_APPLICATION_CREDENTIALS";

/// A place.
#[derive(Clone, Copy)]
enum Place {
    Named,
    Usual,
    Gcloud,
    Metadata,
}

const ORDER: [Place; 4] = [Place::Named, Place::Usual, Place::Gcloud, Place::Metadata];

impl Place {
    fn name(self) -> &'static str {
        match self {
            Self::Named => FILE,
            Self::Usual => "application default credentials of gcloud",
            Self::Gcloud => "gcloud",
            Self::Metadata => "metadata server of Google",
        }
    }

    async fn ask(self, context: Context<'_>) -> Result<Lease<Access>, Miss> {
        match self {
            Self::Named => match context.environment.variable(FILE) {
                None => Err(Miss::nothing("it is not set")),
                Some(path) => Ok(key_file::ask(context, FILE, path.as_ref()).await?),
            },
            Self::Usual => {
                let path = usual(context)?;
                Ok(key_file::ask(context, self.name(), &path).await?)
            }
            Self::Gcloud if !context.environment.desk => Err(Miss::nothing("no program is asked here")),
            Self::Gcloud => gcloud::ask(context).await,
            Self::Metadata => metadata::ask(context).await,
        }
    }
}

/// Where `gcloud auth application-default login` leaves its file.
fn usual(context: Context<'_>) -> Result<PathBuf, Miss> {
    let environment = context.environment;
    if !environment.desk {
        return Err(Miss::nothing("no files of a person are read here"));
    }
    let named = environment.variable("CLOUDSDK_CONFIG").map(PathBuf::from);
    let folder = named.or_else(|| Some(environment.home.as_ref()?.join(".config/gcloud")));
    let folder = folder.ok_or_else(|| Miss::nothing("there is no home directory"))?;
    let path = folder.join("application_default_credentials.json");
    if path.exists() { Ok(path) } else { Err(Miss::nothing(format!("{} does not exist", path.display()))) }
}

/// What the first place has that has anything.
pub(super) async fn ask(context: Context<'_>) -> Result<Lease<Access>, IdentityError> {
    let mut passed = Vec::new();
    for place in ORDER {
        match place.ask(context).await {
            Ok(access) => return Ok(access),
            Err(miss) => miss.pass(place.name(), &mut passed)?,
        }
    }
    Err(IdentityError::Nothing { cloud: "gcp", passed })
}
