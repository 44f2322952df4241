//! Load test: N subscribers of one organization on one server process, and a writer in another process that writes
//! events at a fixed rate. Prints the time from commit to receipt by each subscriber, lost and repeated events, and the
//! resources of the server. See the README beside this file.

mod client;
mod report;
mod world;
mod writer;

use std::env;
use std::error::Error;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Secret that signs the tokens of the subscribers.
const SECRET: &str = "a secret for measurements that is long enough";

/// Every error ends the benchmark.
type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Size of the load.
#[derive(Clone, Copy)]
struct Load {
    subscribers: usize,
    /// Events per second; 0 measures idle subscribers.
    rate: u32,
    seconds: u32,
}

impl Load {
    fn from_arguments() -> Outcome<Self> {
        let mut load = Self { subscribers: 1000, rate: 100, seconds: 20 };
        let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
        for pair in arguments.chunks(2) {
            let [name, value] = pair else { return Err(format!("{} needs a value", pair[0]).into()) };
            match name.as_str() {
                "--subscribers" => load.subscribers = value.parse()?,
                "--rate" => load.rate = value.parse()?,
                "--seconds" => load.seconds = value.parse()?,
                other => {
                    return Err(format!("unknown option {other}: there are --subscribers, --rate and --seconds").into());
                }
            }
        }
        let within = load.subscribers <= 20_000 && load.rate <= 5_000 && load.seconds <= 600;
        if within { Ok(load) } else { Err("at most 20,000 subscribers, 5,000 events a second, 600 seconds".into()) }
    }
}

/// Returns nanoseconds since 1970, comparable between processes of one machine.
fn nanos() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// A child process that is killed on drop.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn server(database_url: &str, port: u16) -> Outcome<Process> {
    let child = Command::new(env!("CARGO_BIN_EXE_guildhall"))
        .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
        .env("DATABASE_URL", database_url)
        .env("GUILDHALL_JWT_SECRET", SECRET)
        .env("GUILDHALL_DATA_DIR", env::temp_dir())
        .env("GUILDHALL_MAIL_WORKER", "off")
        .env("GUILDHALL_RATE_LIMITS", "off")
        .env("GUILDHALL_LOG", "warn")
        .stdout(Stdio::null())
        .spawn()?;
    Ok(Process(child))
}

fn main() -> Outcome {
    // `cargo bench` runs all benchmarks: the database is emptied only if arguments are given.
    if env::args().skip(1).all(|argument| argument == "--bench") && env::var_os("BENCH_WRITER").is_none() {
        println!("The benchmark subscribers is skipped: it needs arguments, see benches/subscribers/README.md.");
        return Ok(());
    }
    let database_url = env::var("DATABASE_URL").map_err(|_| "DATABASE_URL must be the URL of an empty database")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    if let Ok(plan) = env::var("BENCH_WRITER") {
        return runtime.block_on(writer::run(&database_url, &plan));
    }
    let load = Load::from_arguments()?;
    runtime.block_on(measure(&database_url, load))
}

async fn measure(database_url: &str, load: Load) -> Outcome {
    guildhall::store::migrate::migrate(&guildhall::store::Connector::to_url(database_url)?)
        .await
        .map_err(|error| format!("{error:?}"))?;
    let organization = world::fill(database_url, load.subscribers).await?;
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let server = server(database_url, port)?;
    client::ready(port).await?;
    let before = report::Usage::of(server.0.id())?;
    let mut subscribers = client::subscribe(port, &organization, load.subscribers).await?;
    // After this pause, the memory of the subscribing requests is released.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let idle = report::Usage::of(server.0.id())?;
    println!("{} subscribers, {} events/s for {} s", load.subscribers, load.rate, load.seconds);
    println!("server: {} MB before, {} MB with all subscribers", before.memory_mb, idle.memory_mb);
    let written = if load.rate == 0 {
        tokio::time::sleep(Duration::from_secs(load.seconds.into())).await;
        Vec::new()
    } else {
        writer::write(database_url, &organization, load).await?
    };
    let after = report::Usage::of(server.0.id())?;
    println!("server: {} MB at the end, {:.1} % of a CPU", after.memory_mb, after.cpu_since(&idle));
    if !written.is_empty() {
        client::wait_for(&mut subscribers, written.len()).await;
        report::print(&written, &client::receipts(subscribers).await);
    }
    Ok(())
}
