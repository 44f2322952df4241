//! Runs this executable under callgrind, once for each workload, so that no workload is affected by the state that
//! others left.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::workloads::{self, Outcome, Work, Workload};

/// Environment variable with the name of the workload to run under callgrind.
pub const WORK: &str = "BENCH_WORK";
/// Number of repetitions, which average out the random seeds of hash tables.
const ROUNDS: u64 = 100;

/// Whether valgrind is installed.
pub fn is_installed() -> bool {
    let version = Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// Returns the path of callgrind's output for a workload, which `callgrind_annotate` can read.
pub fn profile(workload: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("callgrind.{workload}"))
}

/// Returns the number of instructions of a workload, and the features of the processor as seen under callgrind.
pub fn count(workload: &Workload) -> Outcome<(u64, String)> {
    let profile = profile(workload.name);
    let mut callgrind = Command::new("valgrind");
    callgrind.args(["--tool=callgrind", "--quiet", "--toggle-collect=*counted_from_here*"]);
    callgrind.arg(format!("--callgrind-out-file={}", profile.display()));
    let done = callgrind.arg(env::current_exe()?).env(WORK, workload.name).stderr(Stdio::inherit()).output()?;
    if !done.status.success() {
        return Err(format!("{workload} failed under callgrind: {}", done.status).into());
    }
    let text = fs::read_to_string(&profile)?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: ")?.trim().parse::<u64>().ok());
    let total = total.filter(|total| *total > 0).ok_or_else(|| format!("callgrind has not counted {workload}"))?;
    Ok((total / ROUNDS, String::from_utf8_lossy(&done.stdout).trim().to_owned()))
}

/// Runs one workload, to be counted.
pub fn perform(name: &str) -> Outcome {
    let workload = workloads::ALL.iter().find(|workload| workload.name == name);
    let mut work = (workload.ok_or_else(|| format!("there is no workload {name}"))?.ready)()?;
    // One-time initialization is not counted.
    work();
    counted_from_here(&mut work);
    println!("{}", processor_features());
    Ok(())
}

/// The function that callgrind finds by its name.
#[inline(never)]
fn counted_from_here(work: &mut Work) {
    for _ in 0..ROUNDS {
        work();
    }
}

/// Returns the processor features by which libraries choose an implementation.
fn processor_features() -> String {
    #[cfg(target_arch = "x86_64")]
    {
        let all = [
            ("avx2", is_x86_feature_detected!("avx2")),
            ("avx512f", is_x86_feature_detected!("avx512f")),
            ("pclmulqdq", is_x86_feature_detected!("pclmulqdq")),
            ("sha", is_x86_feature_detected!("sha")),
        ];
        let detected: Vec<_> = all.into_iter().filter(|(_, is_detected)| *is_detected).map(|(name, _)| name).collect();
        detected.join(" ")
    }
    #[cfg(not(target_arch = "x86_64"))]
    String::new()
}
