//! Flags of source-controller that mean nothing here.

use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};

/// The flags, and why they do nothing.
const FLAGS: [(&str, &str); 14] = [
    ("helm-cache-max-size", "there are no Helm charts here"),
    ("helm-cache-purge-interval", "there are no Helm charts here"),
    ("helm-cache-ttl", "there are no Helm charts here"),
    ("helm-chart-file-max-size", "there are no Helm charts here"),
    ("helm-chart-max-size", "there are no Helm charts here"),
    ("helm-index-max-size", "there are no Helm charts here"),
    ("kube-api-burst", "requests to the API server are bounded by how many are under way at once"),
    ("kube-api-qps", "requests to the API server are bounded by how many are under way at once"),
    ("requeue-dependency", "an OCIRepository depends on no other object"),
    ("ssh-hostkey-algos", "there are no git repositories here"),
    ("ssh-kex-algos", "there are no git repositories here"),
    (
        "spiffe-broker-endpoint",
        "objects that ask for an identity of SPIFFE are told that there are none here",
    ),
    ("spiffe-broker-id", "objects that ask for an identity of SPIFFE are told that there are none here"),
    ("watch-configs-label-selector", "Secrets are watched where objects name them"),
];

/// Which flags were given that mean nothing here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ignored {
    given: Vec<&'static str>,
}

impl Ignored {
    /// Their names without dashes, for one log line.
    pub fn given(&self) -> &[&'static str] {
        &self.given
    }
}

impl FromArgMatches for Ignored {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = FLAGS.iter().map(|(flag, _)| *flag).filter(|flag| matches.contains_id(flag));
        Ok(Self { given: given.collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for Ignored {
    fn augment_args(command: Command) -> Command {
        let heading = "Flags of source-controller that are accepted and do nothing";
        command.args(FLAGS.iter().map(|(flag, why)| {
            // Values may be anything: nobody looks at them.
            let arg = Arg::new(*flag).long(*flag).value_name("VALUE").action(ArgAction::Set);
            arg.allow_hyphen_values(true).help(format!("Ignored: {why}")).help_heading(heading)
        }))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}
