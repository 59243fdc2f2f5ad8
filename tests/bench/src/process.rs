//! What a process uses, by `/proc`.

use std::fs;

/// A line of `/proc/PID/status` in KiB: `VmRSS`, `VmHWM`.
pub fn memory(pid: u32, line: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let value = text.lines().find_map(|text| text.strip_prefix(line)).unwrap_or_default();
    value.trim_start_matches(':').trim().trim_end_matches("kB").trim().parse().unwrap_or_default()
}

/// Seconds of processor time so far, in user and kernel mode.
pub fn cpu_seconds(pid: u32) -> f64 {
    /// Ticks of the kernel's clock in a second, on every architecture that we run on.
    const TICKS: f64 = 100.0;
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields[index].parse::<f64>().unwrap_or_default();
    // Fields 14 and 15 of proc(5), counted behind the name.
    (ticks(11) + ticks(12)) / TICKS
}
