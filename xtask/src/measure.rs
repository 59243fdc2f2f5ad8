//! Measuring: interleaved pairs, medians, peak memory.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    error::{Error, Result},
    run::shown,
};

/// How often a child's memory is looked at; the kernel keeps the peak, so only the last moment can be missed.
const LOOK: Duration = Duration::from_micros(500);

/// Something to run: the command, and what to undo after it.
pub(crate) struct Subject<'a> {
    pub(crate) name: &'a str,
    pub(crate) command: Box<dyn Fn() -> Command + 'a>,
    pub(crate) cleanup: Option<&'a Path>,
}

impl Subject<'_> {
    fn time(&self) -> Result<Duration> {
        let mut command = (self.command)();
        let start = Instant::now();
        quiet(&mut command)?;
        let time = start.elapsed();
        if let Some(path) = self.cleanup {
            // Whether it was a folder, a file or nothing does not matter.
            let _ = fs::remove_dir_all(path);
            let _ = fs::remove_file(path);
        }
        Ok(time)
    }
}

/// What a comparison gave.
pub(crate) struct Compared {
    pub(crate) ours: Duration,
    pub(crate) theirs: Duration,
    /// Median of the ratios of each pair, ours to theirs.
    pub(crate) ratio: f64,
    /// Processor time of a run, as a mean; zero where there is no `/proc`.
    pub(crate) our_processor: Duration,
    pub(crate) their_processor: Duration,
}

/// Runs A B A B …, after one unmeasured run of each.
pub(crate) fn compare(ours: &Subject<'_>, theirs: &Subject<'_>, pairs: u32) -> Result<Compared> {
    ours.time()?;
    theirs.time()?;
    let (mut mine, mut other, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let (mut our_processor, mut their_processor) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..pairs {
        let start = processor();
        let a = ours.time()?;
        let middle = processor();
        let b = theirs.time()?;
        our_processor += middle.saturating_sub(start);
        their_processor += processor().saturating_sub(middle);
        ratios.push(a.as_secs_f64() / b.as_secs_f64().max(f64::MIN_POSITIVE));
        mine.push(a.as_secs_f64());
        other.push(b.as_secs_f64());
    }
    Ok(Compared {
        ours: Duration::from_secs_f64(median(&mut mine)),
        theirs: Duration::from_secs_f64(median(&mut other)),
        ratio: median(&mut ratios),
        our_processor: our_processor / pairs.max(1),
        their_processor: their_processor / pairs.max(1),
    })
}

/// Processor time of all children that have ended, which the kernel counts in hundredths of a second.
fn processor() -> Duration {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Fields 16 and 17 of proc(5), counted behind the name.
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace().skip(13).take(2);
    Duration::from_millis(fields.filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * 10)
}

/// The middle value, or the mean of the two in the middle.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = values.get(middle).copied().unwrap_or_default();
    if values.len() % 2 == 1 {
        return upper;
    }
    let lower = middle.checked_sub(1).and_then(|index| values.get(index)).copied().unwrap_or(upper);
    f64::midpoint(lower, upper)
}

/// Runs without output; what it says on stderr is part of the error.
pub(crate) fn quiet(command: &mut Command) -> Result<()> {
    let text = shown(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|source| Error::Spawn { command: text.clone(), source })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(Error::Failed { command: text, status: format!("{}\n{said}", output.status) })
}

/// The peak of the resident memory of a run in KiB, and its time; no memory where there is no `/proc`.
pub(crate) fn peak(command: &mut Command) -> Result<(Option<u64>, Duration)> {
    let text = shown(command);
    let failed = |source| Error::Spawn { command: text.clone(), source };
    let start = Instant::now();
    let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = silent.spawn().map_err(failed)?;
    let mut peak = None;
    loop {
        peak = high_water(child.id()).max(peak);
        if let Some(status) = child.try_wait().map_err(failed)? {
            if status.success() {
                return Ok((peak, start.elapsed()));
            }
            return Err(Error::Failed { command: text, status: status.to_string() });
        }
        thread::sleep(LOOK);
    }
}

fn high_water(process: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_is_the_middle() {
        assert!((median(&mut [3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&mut [4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
    }

    #[test]
    fn peak_sees_memory_and_failure() {
        let (memory, _) = peak(Command::new("sleep").arg("0.05")).unwrap();
        assert!(memory.is_none_or(|kib| kib > 100));
        assert!(peak(&mut Command::new("false")).is_err());
    }
}
