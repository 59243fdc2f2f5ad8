//! `kubectl oci sign artifact`: sign with a key, as Cosign does.

use clap::Args;
use oci_artifact::manifest::Annotation;
use oci_registry::Access;

use crate::{
    args::{Output, RegistryArgs, parse_url},
    context::Context,
    error::{Doing as _, Error},
    exit::Exit,
    signing::{self, SignArgs, notes},
    ui,
};

const EXAMPLES: &str = "Examples:
  # With a key of `kubectl oci generate key-pair` or `cosign generate-key-pair`
  kubectl oci sign artifact oci://ghcr.io/org/app:v1 --key cosign.key

  # In a pipeline: the key in a variable, what is signed by its digest
  kubectl oci sign artifact oci://ghcr.io/org/app@sha256:… \\
    --key env://COSIGN_PRIVATE_KEY

Nothing is written to a log. Signing without a key (keyless, by an identity) and Notation's signatures come later: use
`cosign` and `notation` for them; both are verified.";

/// Sign an artifact with a key
///
/// What is signed is the digest that the URL has now. The signature goes into the same repository: a bundle that refers
/// to the artifact, as Cosign 3 makes it, or with --legacy the image behind the tag sha256-….sig. `cosign verify --key`,
/// `kubectl oci verify artifact` and spec.verify of an OCIRepository verify either.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Sign {
    #[arg(value_name = "URL", help = "What: oci://HOST/REPOSITORY[:TAG|@DIGEST]")]
    url: String,
    #[command(flatten)]
    signing: SignArgs,
    /// Add to what is signed; the value may contain `=`
    #[arg(long = "annotations", short = 'a', value_name = "KEY=VALUE")]
    annotations: Vec<Annotation>,
    /// Print the result as data
    #[arg(long, short = 'o', value_enum)]
    output: Option<Output>,
    #[command(flatten)]
    registry: RegistryArgs,
}

/// The key is opened before anything is asked.
pub(crate) async fn run(args: Sign, context: &Context) -> Result<Exit, Error> {
    let reference = parse_url(&args.url)?;
    let Some(key) = args.signing.key() else {
        return Err(Error::Usage {
            message: "it is not said with which key to sign".into(),
            hint: Some("pass `--key FILE`, or `--key env://VARIABLE`".into()),
        });
    };
    let key = signing::signing_key(key, context).await?;
    let client = context.client(&args.registry, reference.repository.host()).await?;
    let repository = client.repository(&reference.repository, Access::Push);
    let doing = || format!("signing {reference}");
    if args.output.is_none() {
        context.printer.action(format!("signing {reference}"));
    }
    let artifact = repository.manifest(&reference.target_or_latest()).await.doing(doing)?;
    let (format, notes) = (args.signing.format(), notes(&args.annotations));
    let signed = signing::attach(&repository, &artifact.descriptor(), &key, format, &notes, context).await?;
    let text = match args.output {
        None => {
            signed.tell(context);
            return Ok(Exit::Ok);
        }
        Some(Output::Name) => format!("{}\n", signed.signature),
        Some(output) => ui::document(&signed, output)?,
    };
    context.printer.data(&text)?;
    Ok(Exit::Ok)
}
