//! Measures the time of the workloads. See the README in the parent folder.

#[path = "../workloads/mod.rs"]
mod workloads;

use divan::Bencher;
use workloads::Workload;

/// The allocator of the executable.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() {
    divan::main();
}

#[divan::bench(args = workloads::ALL)]
fn work(bencher: Bencher, workload: &Workload) {
    match (workload.ready)() {
        Ok(work) => bencher.bench_local(work),
        Err(error) => panic!("{workload}: {error}"),
    }
}
