//! The process's own figures, under the names that every Prometheus client has for them. Left out where there is no
//! `/proc`.

use std::fs;

use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};

/// Units in which Linux tells times of processes, per second: the same on every architecture that we build for.
const TICKS: f64 = 100.0;

/// Figures of a process.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Figures {
    resident_bytes: u64,
    cpu_seconds: f64,
    /// Since 1970.
    start_seconds: f64,
}

pub(super) fn encode(out: &mut DescriptorEncoder<'_>) -> std::fmt::Result {
    let Some(figures) = read() else {
        return Ok(());
    };
    let name = "process_resident_memory_bytes";
    let metric = out.encode_descriptor(name, "Resident memory size in bytes", None, MetricType::Gauge)?;
    ConstGauge::new(figures.resident_bytes).encode(metric)?;
    let name = "process_cpu_seconds";
    let help = "Total user and system CPU time spent in seconds";
    let metric = out.encode_descriptor(name, help, None, MetricType::Counter)?;
    ConstCounter::new(figures.cpu_seconds).encode(metric)?;
    let name = "process_start_time_seconds";
    let help = "Start time of the process in seconds since 1970";
    let metric = out.encode_descriptor(name, help, None, MetricType::Gauge)?;
    ConstGauge::new(figures.start_seconds).encode(metric)
}

fn read() -> Option<Figures> {
    let text = |path| fs::read_to_string(path).ok();
    figures(&text("/proc/self/stat")?, &text("/proc/self/status")?, &text("/proc/stat")?)
}

/// From the texts of `/proc/self/stat`, `/proc/self/status` and `/proc/stat`.
fn figures(stat: &str, status: &str, system: &str) -> Option<Figures> {
    // The second field is the program's name in parentheses, and may contain anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let field =
        |number: usize| fields.split_ascii_whitespace().nth(number.checked_sub(3)?)?.parse::<f64>().ok();
    let line = |text: &str, name: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_ascii_whitespace().next()?.parse().ok()
    };
    // Exact for some million years.
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit a double")]
    let boot = line(system, "btime ")? as f64;
    Some(Figures {
        resident_bytes: line(status, "VmRSS:")?.checked_mul(1024)?,
        cpu_seconds: (field(14)? + field(15)?) / TICKS,
        start_seconds: boot + field(22)? / TICKS,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_past_a_name_of_many_words() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 1 0 12345 1000 100";
        let status = "Name:\ta\nVmPeak:\t 9 kB\nVmRSS:\t     2048 kB\n";
        let system = "cpu 1 2 3\nbtime 1700000000\n";
        let expected = Figures { resident_bytes: 2 << 20, cpu_seconds: 2.0, start_seconds: 1_700_000_123.45 };
        assert_eq!(figures(stat, status, system), Some(expected));
        assert_eq!(figures("", status, system), None);
    }

    #[test]
    fn figures_of_this_process_are_known() {
        assert!(read().is_some_and(|figures| figures.resident_bytes > 0));
    }
}
