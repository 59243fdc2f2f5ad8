//! From the command line to an exit code: parse, run until done or interrupted, report.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    cli::{self, Cli},
    completion,
    context::Context,
    error::Error,
    exit::Exit,
    ui,
};

/// Runs the process.
pub(crate) fn main() -> Exit {
    if let Some(words) = completion::asked(std::env::args_os()) {
        return complete(&words);
    }
    let cli = match cli::parse() {
        Ok(cli) => cli,
        Err(usage) => return ui::usage(&usage),
    };
    let context = Context::new(&cli.global);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(source) => return ui::fatal(&Error::Runtime(source)),
    };
    let exit = runtime.block_on(until_done(cli, &context));
    // Dropping the runtime waits for work on threads, which then has removed its temporary files.
    drop(runtime);
    exit
}

/// Shells show nothing that goes wrong, and wait for nothing that is still running.
fn complete(words: &[String]) -> Exit {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let (Some(context), Ok(runtime)) = (completion::context(), runtime) else { return Exit::Failed };
    runtime.block_on(completion::run(words, &context));
    runtime.shutdown_background();
    Exit::Ok
}

async fn until_done(cli: Cli, context: &Context) -> Exit {
    let timeout = cli.global.timeout;
    let command = async {
        match context.deadline {
            Some(deadline) => tokio::time::timeout_at(deadline, cli.run(context))
                .await
                .unwrap_or_else(|_| Err(Error::TimedOut(timeout))),
            None => cli.run(context).await,
        }
    };
    // Before anything else begins: a signal that comes early must find us ready to clean up.
    let signals = Signals::install();
    let ended = tokio::select! {
        ended = command => ended,
        () = signals.wait() => {
            context.control.cancel();
            return Exit::Interrupted;
        }
    };
    match ended {
        Ok(exit) => exit,
        Err(error) => {
            context.control.cancel();
            ui::failure(&error);
            error.exit()
        }
    }
}

/// The signals that ask a process to stop.
struct Signals(Option<(Signal, Signal)>);

impl Signals {
    fn install() -> Self {
        let installed =
            signal(SignalKind::interrupt()).and_then(|i| Ok((i, signal(SignalKind::terminate())?)));
        Self(installed.ok())
    }

    /// Ends when one of them comes; never, if they could not be installed and so end the process by themselves.
    async fn wait(self) {
        let Some((mut interrupt, mut terminate)) = self.0 else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}
