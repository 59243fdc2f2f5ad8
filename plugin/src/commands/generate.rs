//! `kubectl oci generate key-pair`: keys to sign with.

use std::{
    fs::OpenOptions,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use oci_verify::sign::KeyPair;

use crate::{context::Context, error::Error, exit::Exit, signing::new_password};

const EXAMPLES: &str = "Examples:
  # cosign.key and cosign.pub, the password is asked for
  kubectl oci generate key-pair

  # In a script
  COSIGN_PASSWORD=\"$PASSWORD\" kubectl oci generate key-pair \\
    --output-key-prefix ./keys/release";

/// `generate`
#[derive(Args, Debug)]
#[command(subcommand_required = true, arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Generate {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make a pair of keys to sign with, as Cosign's
    KeyPair(KeyPairArgs),
}

/// Make a pair of keys to sign with, as Cosign's
///
/// Writes a private key (ECDSA on P-256), encrypted with the password in `COSIGN_PASSWORD` or one that is asked for, and
/// its public key. Both can be used with `cosign`, and `cosign`'s keys here. Files that are there are never replaced.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct KeyPairArgs {
    /// The files are PREFIX.key and PREFIX.pub
    #[arg(long, value_name = "PREFIX", default_value = "cosign")]
    output_key_prefix: PathBuf,
}

/// Nothing is asked for that cannot be kept.
pub(crate) async fn run(args: Generate, context: &Context) -> Result<Exit, Error> {
    let What::KeyPair(args) = args.what;
    let path = |ending: &str| {
        let mut name = args.output_key_prefix.clone().into_os_string();
        name.push(ending);
        PathBuf::from(name)
    };
    let (private, public) = (path(".key"), path(".pub"));
    for path in [&private, &public] {
        // A link that leads nowhere is something, too.
        if path.symlink_metadata().is_ok() {
            return Err(Error::Usage {
                message: format!("`{}` is there already, and keys are never replaced", path.display()),
                hint: Some("name others with `--output-key-prefix`".into()),
            });
        }
    }
    let password = new_password(context).await?;
    let making = tokio::task::spawn_blocking(move || KeyPair::generate(password.expose()));
    let made = making.await.map_err(|_| Error::Stopped("making keys"))?;
    let pair = made.map_err(|source| Error::Signing { doing: "making keys".into(), source })?;
    write(&private, &pair.private_pem, 0o600)?;
    write(&public, &pair.public_pem, 0o644)?;
    context.printer.success(format!("private key written to {}", private.display()));
    context.printer.success(format!("public key written to {}", public.display()));
    Ok(Exit::Ok)
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), Error> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .map_err(|source| Error::file("writing the key", path, source))
}
