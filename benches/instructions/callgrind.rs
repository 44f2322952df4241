//! Runs this executable again under callgrind, once for each workload, so that none is counted together with what others have
//! left behind.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::workloads::{self, Outcome, Work, Workload};

/// Variable that names what is to be done under callgrind.
pub const WORK: &str = "BENCH_WORK";
/// How often it is done: hash tables have their seeds by chance, which evens out.
const ROUNDS: u64 = 100;

/// Whether there is a valgrind.
pub fn is_there() -> bool {
    let version = Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// Where callgrind leaves what it has counted of a workload: `callgrind_annotate` tells more of it.
pub fn profile(workload: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("callgrind.{workload}"))
}

/// How many instructions a workload takes, and what the processor can do, as seen under callgrind.
pub fn count(workload: &Workload) -> Outcome<(u64, String)> {
    let profile = profile(workload.name);
    let mut callgrind = Command::new("valgrind");
    callgrind.args(["--tool=callgrind", "--quiet", "--toggle-collect=*counted_from_here*"]);
    callgrind.arg(format!("--callgrind-out-file={}", profile.display()));
    let done = callgrind.arg(env::current_exe()?).env(WORK, workload.name).stderr(Stdio::inherit()).output()?;
    if !done.status.success() {
        return Err(format!("{workload} cannot be done under callgrind: {}", done.status).into());
    }
    let text = fs::read_to_string(&profile)?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: ")?.trim().parse::<u64>().ok());
    let total = total.filter(|total| *total > 0).ok_or_else(|| format!("callgrind has not counted {workload}"))?;
    Ok((total / ROUNDS, String::from_utf8_lossy(&done.stdout).trim().to_owned()))
}

/// Does one, to be counted.
pub fn perform(name: &str) -> Outcome {
    let workload = workloads::ALL.iter().find(|workload| workload.name == name);
    let mut work = (workload.ok_or_else(|| format!("there is no {name}"))?.ready)()?;
    // What is made once for all is not counted.
    work();
    counted_from_here(&mut work);
    println!("{}", abilities());
    Ok(())
}

/// What callgrind looks for by its name.
#[inline(never)]
fn counted_from_here(work: &mut Work) {
    for _ in 0..ROUNDS {
        work();
    }
}

/// By what libraries choose between ways of doing the same.
fn abilities() -> String {
    #[cfg(target_arch = "x86_64")]
    {
        let all = [
            ("avx2", is_x86_feature_detected!("avx2")),
            ("avx512f", is_x86_feature_detected!("avx512f")),
            ("pclmulqdq", is_x86_feature_detected!("pclmulqdq")),
            ("sha", is_x86_feature_detected!("sha")),
        ];
        let there: Vec<_> = all.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect();
        there.join(" ")
    }
    #[cfg(not(target_arch = "x86_64"))]
    String::new()
}
