//! Results: resources of the server, and delivery of the events.

use std::fs;
use std::time::Instant;

use crate::Outcome;
use crate::client::Receipts;

/// Resources that a process has used. Linux only.
pub struct Usage {
    /// Resident memory in MB.
    pub memory_mb: u64,
    cpu_ticks: u64,
    at: Instant,
}

impl Usage {
    /// Reads the usage of a process.
    pub fn of(process: u32) -> Outcome<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        let kilobytes: u64 = resident.trim().trim_end_matches(" kB").parse()?;
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        let fields: Vec<&str> = stat.rsplit_once(')').ok_or("no stat")?.1.split_whitespace().collect();
        let cpu_ticks = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
        Ok(Self { memory_mb: kilobytes / 1024, cpu_ticks, at: Instant::now() })
    }

    /// Returns the CPU usage since `before`, in percent. The kernel counts 100 ticks per second.
    pub fn cpu_since(&self, before: &Self) -> f64 {
        (self.cpu_ticks - before.cpu_ticks) as f64 / (self.at - before.at).as_secs_f64()
    }
}

/// Prints the delivery times of the events with these commit times, and lost, repeated and disordered events.
pub fn print(committed: &[u64], receipts: &[Receipts]) {
    let mut lost = 0;
    let mut repeated = 0;
    let mut disordered = 0;
    let mut taken: Vec<u64> = Vec::new();
    for receipts in receipts {
        let mut times = vec![0u32; committed.len()];
        for (number, at) in receipts {
            let Some(commit) = committed.get(*number) else { continue };
            times[*number] += 1;
            taken.push(at.saturating_sub(*commit));
        }
        lost += times.iter().filter(|times| **times == 0).count();
        repeated += times.iter().filter(|times| **times > 1).count();
        disordered += receipts.windows(2).filter(|pair| pair[0].0 >= pair[1].0).count();
    }
    taken.sort_unstable();
    let at = |part: f64| taken.get((taken.len() as f64 * part) as usize).map_or(0.0, |nanos| *nanos as f64 / 1e6);
    println!(
        "{} events, received {} times: {lost} lost, {repeated} repeated, {disordered} out of order",
        committed.len(),
        taken.len()
    );
    println!(
        "from commit to receipt: p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms, max {:.1} ms",
        at(0.5),
        at(0.9),
        at(0.99),
        at(0.999),
        taken.last().map_or(0.0, |nanos| *nanos as f64 / 1e6)
    );
}
