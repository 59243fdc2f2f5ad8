//! Where in the command line the last word stands.

use clap::{Arg, Command};

/// The words before the last one, understood.
pub(super) struct Spot<'a> {
    /// The program and the commands that were named, in that order.
    pub(super) chain: Vec<&'a Command>,
    /// Words that are neither commands nor flags nor values of flags.
    pub(super) positionals: usize,
    /// The flag whose value the last word is.
    pub(super) pending: Option<&'a Arg>,
    /// Whether `--` was there.
    pub(super) only_positionals: bool,
    /// The flags that were there by their long names, with their values.
    pub(super) flags: Vec<(&'a str, Option<String>)>,
}

impl<'a> Spot<'a> {
    /// `root` was built, so that each command has the flags that all have.
    pub(super) fn find(root: &'a Command, before: &[String]) -> Self {
        let mut spot = Self {
            chain: vec![root],
            positionals: 0,
            pending: None,
            only_positionals: false,
            flags: Vec::new(),
        };
        for word in before {
            spot.take(word);
        }
        spot
    }

    /// The command that was named last.
    pub(super) fn command(&self) -> Option<&'a Command> {
        self.chain.last().copied()
    }

    fn take(&mut self, word: &str) {
        if let Some(flag) = self.pending.take() {
            self.note(flag, Some(word));
        } else if self.only_positionals {
            self.positionals += 1;
        } else if word == "--" {
            self.only_positionals = true;
        } else if let Some(flag) = word.strip_prefix("--") {
            self.take_long(flag);
        } else if word.len() > 1 && word.starts_with('-') {
            self.take_short(word);
        } else if let (0, Some(command)) =
            (self.positionals, self.command().and_then(|command| command.find_subcommand(word)))
        {
            self.chain.push(command);
        } else {
            self.positionals += 1;
        }
    }

    fn take_long(&mut self, text: &str) {
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        let Some(flag) = self.long(name) else { return };
        if value.is_none() && takes_value(flag) {
            self.pending = Some(flag);
        } else {
            self.note(flag, value);
        }
    }

    /// `-qo json`: the first flag that takes a value has the rest of the word, or the next one.
    fn take_short(&mut self, word: &str) {
        for (at, letter) in word.char_indices().skip(1) {
            let Some(flag) = self.args().find(|arg| arg.get_short() == Some(letter)) else { return };
            if takes_value(flag) {
                let is_last = word.len() == at + letter.len_utf8();
                self.pending = is_last.then_some(flag);
                return;
            }
        }
    }

    fn note(&mut self, flag: &'a Arg, value: Option<&str>) {
        if let Some(long) = flag.get_long() {
            self.flags.push((long, value.map(str::to_owned)));
        }
    }

    /// The flag of that name or alias.
    pub(super) fn long(&self, name: &str) -> Option<&'a Arg> {
        self.args().find(|arg| {
            arg.get_long() == Some(name) || arg.get_all_aliases().unwrap_or_default().contains(&name)
        })
    }

    /// The flags that count here.
    pub(super) fn args(&self) -> impl Iterator<Item = &'a Arg> + use<'a> {
        self.command().into_iter().flat_map(Command::get_arguments).filter(|arg| !arg.is_positional())
    }

    /// What the next positional word is.
    pub(super) fn positional(&self) -> Option<&'a Arg> {
        self.command()?.get_positionals().nth(self.positionals)
    }
}

/// Whether the flag is followed by something.
pub(super) fn takes_value(flag: &Arg) -> bool {
    flag.get_action().takes_values()
}
