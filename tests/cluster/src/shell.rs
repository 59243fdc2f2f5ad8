//! Shell texts: values, and scripts that start a program in the background and clean up after it.

use std::path::Path;

/// A word of a command line, in quotes only if it needs them.
pub(crate) fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Assignments, one a line.
pub(crate) fn assignments(values: &[(&str, String)]) -> String {
    let lines: Vec<String> = values.iter().map(|(name, value)| format!("{name}={}", word(value))).collect();
    lines.join("\n") + "\n"
}

/// Is process `$1` a running `oci-$2`, or the script `start-$2` that becomes it in a moment? A number that another
/// program has by now is not; what has ended without anybody asking has no command line.
const RUNS: &str = r#"runs() {
  if [ -d /proc/self ]; then
    command=$(tr '\0' ' ' <"/proc/$1/cmdline")
  else
    command=$(ps -o command= -p "$1")
  fi 2>/dev/null
  case $command in *"-$2"*) true ;; *) false ;; esac
}
"#;

/// A program that runs in the background, with its process in `NAME.pid` and its output in `NAME.log`.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    /// `controller`, whose program is `oci-controller`.
    pub(crate) name: &'a str,
    /// The program's file.
    pub(crate) program: &'a Path,
    /// Its whole environment, beside `PATH`.
    pub(crate) environment: &'a [(&'a str, String)],
    /// Its arguments.
    pub(crate) arguments: &'a [String],
}

impl Part<'_> {
    /// The script that starts it, unless it runs already. `folder` is where its files are.
    pub(crate) fn script(&self, folder: &Path) -> String {
        let Self { name, .. } = self;
        let program = self.program.to_string_lossy();
        let environment = self.environment.iter().map(|(name, value)| word(&format!("{name}={value}")));
        let arguments = self.arguments.iter().map(|argument| word(argument));
        let words: Vec<String> =
            environment.chain(std::iter::once(word(&program))).chain(arguments).collect();
        format!(
            "#!/bin/sh
# Starts the {name} in the background, unless it runs.
cd {folder} || exit
{RUNS}
if process=$(cat {name}.pid 2>/dev/null) && runs \"$process\" {name}; then
  echo \"the {name} runs already, as process $process\" >&2
  exit 1
fi
trap '' HUP
env -i PATH=/usr/bin:/bin {command} </dev/null >>{name}.log 2>&1 &
echo $! >{name}.pid.new && mv {name}.pid.new {name}.pid
",
            folder = word(&folder.to_string_lossy()),
            command = words.join(" \\\n  "),
        )
    }
}

/// Waits for the end of its standard input, whatever ends it, and then ends the programs and removes the files:
/// `sh -c CLEANER cleaner FOLDER MADE "NAME …" FILE…` with `MADE` not empty if the folder goes too.
pub(crate) fn cleaner() -> String {
    format!(
        r#"trap '' HUP INT TERM
folder=$1; made=$2; parts=$3; shift 3
{RUNS}
read -r _
cd "$folder" || exit
running() {{
  found=
  for part in $parts; do
    process=$(cat "$part.pid" 2>/dev/null) && runs "$process" "$part" && found="$found $process"
  done
}}
running
[ -n "$found" ] && kill -TERM $found 2>/dev/null
looks=0
while running; [ -n "$found" ] && [ $looks -lt 200 ]; do
  sleep 0.1
  looks=$((looks + 1))
done
[ -n "$found" ] && kill -KILL $found 2>/dev/null
rm -rf -- "$@"
cd /
if [ -n "$made" ]; then rmdir "$folder"; fi
"#
    )
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// What a shell says.
    fn said(script: &str) -> String {
        let output = Command::new("/bin/sh").args(["-c", script]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn word_survives_the_shell() {
        for text in ["/a/b-c.d", "", "a b", "it's", "$HOME `x` \"y\" \\", "line\nbreak", "*", "a;b&c", "~"] {
            assert_eq!(said(&format!("printf %s {}", word(text))), text);
        }
        assert_eq!(word("/a/b-c.d"), "/a/b-c.d");
    }

    #[test]
    fn assignments_are_read_by_the_shell() {
        let text = assignments(&[("A", "a b".to_owned()), ("B", word("/x y/z"))]);
        assert_eq!(said(&format!("{text}printf '%s|' \"$A\"; eval \"printf %s $B\"")), "a b|/x y/z");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn script_starts_once_and_the_cleaner_ends_it() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("a b");
        std::fs::create_dir(&folder).unwrap();
        let program = &outer.path().join("oci-sleeper");
        std::os::unix::fs::symlink("/bin/sleep", program).unwrap();
        let part = Part {
            name: "sleeper",
            program,
            environment: &[("A", "a b".to_owned())],
            arguments: &["1000".to_owned()],
        };
        let start = folder.join("start-sleeper");
        std::fs::write(&start, part.script(&folder)).unwrap();
        let run = || Command::new("/bin/sh").arg(&start).output().unwrap();
        assert!(run().status.success());
        let process = std::fs::read_to_string(folder.join("sleeper.pid")).unwrap();
        let again = run();
        assert!(String::from_utf8_lossy(&again.stderr).contains(process.trim()), "{again:?}");
        assert!(!again.status.success());
        // Killed by somebody, it can be started again.
        said(&format!("kill -9 {process}"));
        while !run().status.success() {}

        let process = std::fs::read_to_string(folder.join("sleeper.pid")).unwrap();
        let mut cleaner = Command::new("/bin/sh");
        cleaner.args(["-c", &super::cleaner(), "cleaner"]).arg(&folder).args(["made", "sleeper"]);
        cleaner.args(["sleeper.pid", "sleeper.log", "start-sleeper"]);
        assert!(cleaner.stdin(std::process::Stdio::null()).status().unwrap().success());
        assert!(!folder.exists());
        // Nobody may have asked for its end.
        assert_eq!(said(&format!("cat /proc/{}/cmdline 2>/dev/null", process.trim())), "");
    }
}
