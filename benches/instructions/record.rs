//! Recorded counts, with compiler and processor: `counts.txt`, which `UPDATE=1 cargo bench --bench instructions`
//! writes.

use std::env;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::callgrind;
use crate::workloads::{self, Outcome};

/// Growth that is tolerated, in percent. Runs of one build differ by 0.2 %; the rest allows for another libc, whose
/// copying takes a tenth of the instructions of a page.
const TOLERANCE: f64 = 5.0;
/// Command that records new counts.
const RECORD: &str = "`UPDATE=1 cargo bench --bench instructions` records the present counts";
/// First words of the lines that are not counts.
const COMPILER: &str = "compiler:";
const PROCESSOR: &str = "processor:";

/// Counts of instructions, and what they depend on besides the code.
pub struct Record {
    compiler: String,
    processor: String,
    counts: Vec<(String, u64)>,
}

impl Record {
    /// Counts all workloads.
    pub fn of_all() -> Outcome<Self> {
        let (mut counts, mut processor) = (Vec::new(), String::new());
        for workload in workloads::ALL {
            let (count, features) = callgrind::count(workload)?;
            counts.push((workload.name.to_owned(), count));
            processor = features;
        }
        Ok(Self { compiler: compiler()?, processor, counts })
    }

    /// Reads the recorded counts.
    pub fn read() -> Outcome<Self> {
        let mut record = Self { compiler: String::new(), processor: String::new(), counts: Vec::new() };
        for line in fs::read_to_string(path())?.lines().filter(|line| !line.starts_with('#')) {
            match line.split_once(char::is_whitespace) {
                Some((COMPILER, rest)) => rest.trim().clone_into(&mut record.compiler),
                Some((PROCESSOR, rest)) => rest.trim().clone_into(&mut record.processor),
                Some((name, count)) => record.counts.push((name.to_owned(), count.trim().parse()?)),
                None if line.is_empty() => {}
                None => return Err(format!("{}: {line} is not a count", path().display()).into()),
            }
        }
        Ok(record)
    }

    /// Writes the counts to the file.
    pub fn write(&self) -> Outcome {
        Ok(fs::write(path(), self.to_string())?)
    }

    /// Prints the differences. Returns false if a count in `now` has grown or is not recorded, and true if the two
    /// cannot be compared.
    pub fn compare(&self, now: &Self) -> bool {
        for (name, recorded, present) in
            [("compiler", &self.compiler, &now.compiler), ("processor", &self.processor, &now.processor)]
        {
            if recorded != present {
                println!("Instructions are not compared: the {name} differs.");
                println!("  recorded: {recorded}\n  present:  {present}\n{RECORD}.");
                return true;
            }
        }
        let mut stale = false;
        println!("{:26}{:>12}{:>12}{:>10}", "instructions of", "recorded", "now", "change");
        for (name, count) in &now.counts {
            let Some((_, recorded)) = self.counts.iter().find(|(known, _)| known == name) else {
                println!("{name:26}{:>12}{count:>12}", "none");
                stale = true;
                continue;
            };
            let change = (*count as f64 / *recorded as f64 - 1.0) * 100.0;
            println!("{name:26}{recorded:>12}{count:>12}{change:>+8.1} %");
            if change > TOLERANCE {
                eprintln!("{name} has grown by {change:.1} %: from {recorded} to {count} instructions.");
                eprintln!("  To see where: callgrind_annotate {}", callgrind::profile(name).display());
                stale = true;
            }
        }
        for (name, _) in self.counts.iter().filter(|(name, _)| now.counts.iter().all(|(known, _)| known != name)) {
            eprintln!("{name} is recorded, but is not a workload any more.");
            stale = true;
        }
        if stale {
            eprintln!("More than {TOLERANCE} % is not noise. If the change is intended, {RECORD}; review the diff.");
        }
        !stale
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Instructions of one run of each workload in benches/workloads/, counted by callgrind.")?;
        writeln!(f, "# Derived file: {RECORD}.")?;
        writeln!(f, "{COMPILER} {}\n{PROCESSOR} {}\n", self.compiler, self.processor)?;
        self.counts.iter().try_for_each(|(name, count)| writeln!(f, "{name:26}{count:>10}"))
    }
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/instructions/counts.txt")
}

/// Returns the compiler and its host.
fn compiler() -> Outcome<String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = String::from_utf8(Command::new(rustc).arg("--verbose").arg("--version").output()?.stdout)?;
    let host = output.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    Ok(format!("{}, {host}", output.lines().next().unwrap_or_default()))
}
