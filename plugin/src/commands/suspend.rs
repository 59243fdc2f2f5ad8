//! `kubectl oci suspend` and `resume`: whether the controller looks at objects.

use clap::Args;
use futures_util::{StreamExt as _, stream};

use crate::{
    cluster::{self, Filter, Goal, Repositories, Stored, parse_name},
    context::Context,
    error::Error,
    exit::Exit,
    ui::{self, Conditions},
};

/// Objects that are dealt with at the same time.
const AT_ONCE: usize = 10;

/// Let the controller leave OCIRepository objects alone
///
/// What is stored stays and is served.
#[derive(Args, Debug)]
pub(crate) struct Suspend {
    #[command(flatten)]
    which: Which,
}

/// Let the controller go on with OCIRepository objects, and wait until they are ready
#[derive(Args, Debug)]
pub(crate) struct Resume {
    #[command(flatten)]
    which: Which,
    /// Do not wait until they are ready
    #[arg(long)]
    no_wait: bool,
}

/// Which objects.
#[derive(Args, Debug)]
#[group(id = "which", required = true, multiple = false, args = ["names", "all"])]
struct Which {
    /// Names of the objects
    #[arg(value_name = "NAME", value_parser = parse_name)]
    names: Vec<String>,
    /// All objects of the namespace
    #[arg(long)]
    all: bool,
}

impl Which {
    async fn names(self, repositories: &Repositories, context: &Context) -> Result<Vec<String>, Error> {
        if !self.all {
            return Ok(self.names);
        }
        let found = repositories.list(Filter::default()).await?;
        if found.is_empty() {
            context.printer.action(format!("no OCIRepository in {}", repositories.place()));
        }
        Ok(found.iter().map(|object| object.name().to_owned()).collect())
    }
}

/// All that can be is suspended; what cannot is told.
pub(crate) async fn suspend(args: Suspend, context: &Context) -> Result<Exit, Error> {
    let repositories = Repositories::of(&context.cluster().await?);
    let names = args.which.names(&repositories, context).await?;
    Ok(each(names, async |name| set(&repositories, &name, true, context).await.map(|_| ())).await)
}

/// All that can be is resumed and waited for; what cannot is told.
pub(crate) async fn resume(args: Resume, context: &Context) -> Result<Exit, Error> {
    let repositories = Repositories::of(&context.cluster().await?);
    let names = args.which.names(&repositories, context).await?;
    let several = names.len() > 1;
    let one = async |name: String| {
        let object = set(&repositories, &name, false, context).await?;
        if args.no_wait {
            return Ok(());
        }
        let printer = context.printer;
        let conditions = if several { Conditions::of(printer, &name) } else { Conditions::new(printer) };
        cluster::wait_for(&repositories, object, &Goal::Ready, conditions, context).await?;
        Ok(())
    };
    Ok(each(names, one).await)
}

async fn set(
    repositories: &Repositories,
    name: &str,
    suspended: bool,
    context: &Context,
) -> Result<Stored, Error> {
    let object = repositories.set_suspended(name, suspended).await?;
    let done = if suspended { "suspended" } else { "resumed" };
    context.printer.success(format!("{} {done}", object.full_name()));
    Ok(object)
}

/// Does the same with each; the worst end is the end of all.
async fn each(names: Vec<String>, work: impl AsyncFn(String) -> Result<(), Error>) -> Exit {
    let work = &work;
    let mut all = stream::iter(names).map(async |name| work(name).await).buffer_unordered(AT_ONCE);
    let mut worst = Exit::Ok;
    while let Some(ended) = all.next().await {
        if let Err(error) = ended {
            ui::failure(&error);
            worst = worst.max(error.exit());
        }
    }
    worst
}
